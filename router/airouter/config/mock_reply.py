"""The grammar of a Mock credential's `reply`.

The resource validates a reply by this grammar and `providers/mock/` answers by it, so `airouter
check` accepts exactly what the provider understands.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

import msgspec

from airouter.untrusted import decoded

Kind = Literal["echo", "text", "tool", "tokens"]

MAX_TOKENS = 100_000
GRAMMAR = (
    "echo | text:<text> | tool:<function> <JSON object> | tokens:<1 to 100000>, perhaps after a "
    "first line reasoning:<text>"
)
REASONING = "reasoning:"

OBJECT = msgspec.json.Decoder(dict)

_FUNCTION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COUNT = re.compile(r"[0-9]{1,6}")


class MockReply(NamedTuple):
    """A kind of answer, and its argument: nothing, the text, `<function> <JSON>`, or a count."""

    kind: Kind
    argument: str
    reasoning: str | None = None
    """The reasoning before the answer; None leaves that to the request."""


def parse_mock_reply(reply: str) -> MockReply:
    """Read a line `reasoning:<text>`, if there is one, and the answer that follows: else `echo`.

    A tool's argument comes back with exactly one space between the name and the JSON. Raises
    `ValueError`, whose text says what is wrong and repeats the grammar where that helps.
    """
    if not reply.startswith(REASONING):
        return _answer(reply)
    thought, _, answer = reply.removeprefix(REASONING).partition("\n")
    return _answer(answer or "echo")._replace(reasoning=thought)


def _answer(reply: str) -> MockReply:
    """Read `echo`, `text:<text>`, `tool:<function> <JSON object>` or `tokens:<N>`."""
    kind, colon, argument = reply.partition(":")
    if kind == "echo" and not colon:
        return MockReply("echo", "")
    if kind == "text" and colon:
        return MockReply("text", argument)
    if kind == "tool" and colon:
        return MockReply("tool", _tool(argument))
    if kind == "tokens" and colon:
        return MockReply("tokens", _tokens(argument))
    raise ValueError(f"not one of: {GRAMMAR}")


def _tool(argument: str) -> str:
    name, _, arguments = argument.strip().partition(" ")
    if not _FUNCTION.fullmatch(name):
        raise ValueError("tool: needs a function name of 1 to 64 letters, digits, _ or -")
    decoded(
        OBJECT, arguments, ValueError, "tool: needs its arguments as a JSON object after the name"
    )
    return f"{name} {arguments.strip()}"


def _tokens(argument: str) -> str:
    if not _COUNT.fullmatch(argument) or not 1 <= int(argument) <= MAX_TOKENS:
        raise ValueError(f"tokens: needs a whole number from 1 to {MAX_TOKENS}")
    return str(int(argument))
