"""What the mock says to a chat or completion request.

First comes what the request itself demands (a tool it forces, a format), then what the credential
was told to reply, or `metadata.mock_reply` of the request.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from airouter.config.mock_reply import parse_mock_reply
from airouter.failures import Failure, invalid_field
from airouter.providers.mock.schema import instance

Body = dict[str, Any]

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
WORD = re.compile(r"\s*\S+")


@dataclass
class Answer:
    """One choice."""

    text: str | None = None
    tool_calls: list[tuple[str, str]] = field(default_factory=list)
    """Name and JSON arguments of the functions to call."""
    finish_reason: str = "stop"


def answer_chat(body: Body, reply: str) -> Answer:
    """The answer to a chat. Raises `Failure` 400."""
    messages = checked_messages(body)
    if messages[-1]["role"] == "tool":
        return cut(Answer(text_of(messages[-1])), body)
    forced = forced_tool(body)
    if forced is not None:
        return Answer(tool_calls=[forced], finish_reason="tool_calls")
    structured = structured_text(body)
    if structured is not None:
        return Answer(structured)
    said = [text_of(message) for message in messages if message["role"] == "user"]
    return cut(by_grammar(reply, said[-1] if said else ""), body)


def answer_completion(body: Body, reply: str) -> Answer:
    """The answer to a legacy completion. Raises `Failure` 400."""
    prompt = body.get("prompt", "")
    if isinstance(prompt, list) and prompt and isinstance(prompt[0], str):
        prompt = prompt[0]
    if not isinstance(prompt, str):
        raise invalid_field("prompt", "'prompt' must be a string or a list of strings.")
    return cut(by_grammar(reply, prompt), body)


def by_grammar(reply: str, said: str) -> Answer:
    """What the reply grammar means. Raises `Failure` 400 for a reply that is not of it."""
    try:
        kind, argument = parse_mock_reply(reply)
    except ValueError as error:
        raise invalid_field("metadata.mock_reply", f"'mock_reply' is {error}.") from None
    if kind == "tool":
        name, _, arguments = argument.partition(" ")
        return Answer(tool_calls=[(name, arguments)], finish_reason="tool_calls")
    if kind == "text":
        return Answer(argument)
    if kind == "tokens":
        return Answer(" ".join(f"word{number}" for number in range(1, int(argument) + 1)))
    return Answer(said)


def checked_messages(body: Body) -> list[Body]:
    """The messages of a chat. Raises `Failure` 400 as OpenAI does."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Failure(
            400,
            "Missing or empty required parameter: 'messages'.",
            param="messages",
            code="missing_required_parameter",
        )
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if not isinstance(message, dict):
            raise invalid_field(where, f"'{where}' must be an object.")
        if message.get("role") not in ROLES:
            raise invalid_field(f"{where}.role", f"'{where}.role' must be one of {sorted(ROLES)}.")
        if not isinstance(message.get("content"), str | list | None):
            raise invalid_field(f"{where}.content", f"'{where}.content' must be text or parts.")
    return messages


def text_of(message: Body) -> str:
    """The text of a message, its parts joined."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def forced_tool(body: Body) -> tuple[str, str] | None:
    """The call that `tool_choice` forces, with arguments that fit the function's parameters."""
    functions = {
        tool["function"]["name"]: tool["function"].get("parameters", {})
        for tool in body.get("tools") or ()
        if isinstance(tool, dict) and isinstance(tool.get("function"), dict)
    }
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        name = choice.get("function", {}).get("name")
    else:
        name = next(iter(functions), None) if choice == "required" else None
    if name not in functions:
        return None
    return name, json.dumps(instance({"type": "object"} | functions[name]))


def structured_text(body: Body) -> str | None:
    """JSON of the format that is asked for, if any is."""
    wanted = body.get("response_format")
    if not isinstance(wanted, dict):
        return None
    if wanted.get("type") == "json_object":
        return '{"mock": true}'
    if wanted.get("type") == "json_schema":
        return json.dumps(instance(wanted.get("json_schema", {}).get("schema", {})))
    return None


def cut(answer: Answer, body: Body) -> Answer:
    """An answer ended by `stop` or by the largest number of tokens."""
    if answer.text is None:
        return answer
    stops = body.get("stop") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        answer.text = answer.text.split(str(stop), 1)[0] if stop else answer.text
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    words = tokens_of(answer.text)
    if isinstance(limit, int) and len(words) > limit:
        answer.text = "".join(words[:limit])
        answer.finish_reason = "length"
    return answer


def tokens_of(text: str) -> list[str]:
    """A token is a word with the space before it; what is left at the end is one, too."""
    words = WORD.findall(text)
    rest = text[sum(map(len, words)) :]
    return [*words, rest] if rest else words
