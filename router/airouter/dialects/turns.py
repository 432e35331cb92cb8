"""Turns made ready for rendering: roles that alternate, calls that match their results."""

from __future__ import annotations

from collections import deque
from itertools import count
from operator import is_
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import (
    File,
    Image,
    Text,
    ToolCall,
    ToolResult,
    Turn,
    Unsupported,
)
from airouter.failures import invalid_field

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airouter.dialects.conversation import Part
    from airouter.failures import Failure

INSTRUCTIONS = frozenset({"system", "developer"})
GO_ON = (
    "Go on exactly where your answer stopped. What you write now is appended to it as it is: "
    "repeat nothing, and add no remark."
)
CACHED = (Text, Image, File, ToolCall, ToolResult)
"""Parts that may end what is worth keeping of a prompt."""


def leading(turns: Sequence[Turn]) -> tuple[list[Turn], list[Turn]]:
    """Return the instructions that a conversation begins with, and the rest.

    Of instructions alone the last are the rest: they are what there is to be answered.
    """
    ends = (at for at, turn in enumerate(turns) if turn.role not in INSTRUCTIONS)
    end = next(ends, len(turns) - 1)
    return list(turns[:end]), list(turns[end:])


def merged(turns: Iterable[Turn]) -> list[Turn]:
    """Return neighbours of one role as one turn, empty ones left out.

    In a turn of the user the results of tools come first, whatever came between the turns.
    """
    found: list[list[Turn]] = []
    for turn in turns:
        if not turn.parts:
            continue
        if found and found[-1][0].role == turn.role:
            found[-1].append(turn)
        else:
            found.append([turn])
    return [joined_turn(same) for same in found]


def joined_turn(turns: Sequence[Turn]) -> Turn:
    """Return turns of one role as one."""
    parts = [part for turn in turns for part in turn.parts]
    if turns[0].role == "user":  # a stable sort keeps all else in order
        parts.sort(key=lambda part: not isinstance(part, ToolResult))
    return msgspec.structs.replace(turns[0], parts=tuple(parts))


def folded(turns: Iterable[Turn]) -> list[Turn]:
    """Return later instructions as turns of the user, for providers that have only leading ones."""
    return [
        msgspec.structs.replace(turn, role="user") if turn.role in INSTRUCTIONS else turn
        for turn in turns
    ]


def with_trimmed_prefill(turns: list[Turn]) -> list[Turn]:
    """Return turns of which the last, if it is the model's, ends in no white space.

    It is the beginning of an answer, and Claude refuses one that ends so.
    """
    last = turns[-1] if turns else None
    if last is None or last.role != "assistant" or not isinstance(last.parts[-1], Text):
        return turns
    end = msgspec.structs.replace(last.parts[-1], text=last.parts[-1].text.rstrip())
    return [*turns[:-1], msgspec.structs.replace(last, parts=(*last.parts[:-1], end))]


def told_to_go_on(turns: list[Turn]) -> list[Turn]:
    """Return turns that end in a word of the user, for models that refuse to be begun for.

    What the model's own provider did for it may be all of a last turn; that is sent back as it is.
    """
    last = turns[-1] if turns else None
    if last is None or last.role != "assistant":
        return turns
    said = without_blanks(last.parts)
    if not said or not isinstance(said[-1], Text):
        return turns
    return [*turns, Turn(role="user", parts=(Text(text=GO_ON),), at=last.at)]


def without_blanks(parts: Iterable[Part]) -> list[Part]:
    """Return parts without blank texts; where one ends what is cached, the part before it does."""
    kept: list[Part] = []
    for part in parts:
        if not isinstance(part, Text) or part.text.strip():
            kept.append(part)
        elif part.cache and kept and isinstance(kept[-1], CACHED) and not kept[-1].cache:
            kept[-1] = msgspec.structs.replace(kept[-1], cache=part.cache)
    return kept


def check_asked(turns: Sequence[Turn]) -> None:
    """Raise `Unsupported` where the user says nothing, or said nothing at the end.

    Without the last turn a model would go on with its own answer, which is over.
    """
    last = turns[-1] if turns else None
    if last is None:
        raise Unsupported("turns", "needs something that the user says")
    if last.role == "user" and not without_blanks(last.parts):
        raise Unsupported(last.at or "turns", "needs something that the user says")


def joined_text(parts: Iterable[Part]) -> str:
    """Return the text of parts, joined by empty lines."""
    return "\n\n".join(part.text for part in parts if isinstance(part, Text) and part.text)


def with_calls_told_apart(turns: Iterable[Turn]) -> list[Turn]:
    """Return turns in which no call has the id of one that still waits for its result.

    Some providers give an id twice in one answer, and clients send it back. Results are taken to
    come in the order of their calls.
    """
    waiting: dict[str, deque[str]] = {}
    numbers = count(1)

    def told_apart(part: Part) -> Part:
        if isinstance(part, ToolCall):
            number, ids = next(numbers), waiting.setdefault(part.id, deque())
            ids.append(f"{part.id}_{number}" if ids else part.id)
            return part if ids[-1] == part.id else msgspec.structs.replace(part, id=ids[-1])
        if isinstance(part, ToolResult) and (ids := waiting.get(part.call_id, deque())):
            id_ = ids.popleft()
            return part if id_ == part.call_id else msgspec.structs.replace(part, call_id=id_)
        return part

    found = []
    for turn in turns:
        parts = tuple(map(told_apart, turn.parts))
        same = all(map(is_, parts, turn.parts))
        found.append(turn if same else msgspec.structs.replace(turn, parts=parts))
    return found


def check_calls(turns: Sequence[Turn]) -> None:
    """Check that every call has its result in the next turn of the user, and the reverse.

    Raises `Failure` 400 that names the turn, also for calls at the end: no provider goes on
    without their results. Instructions may stand between.
    """
    waiting: set[str] = set()
    for turn in merged(turn for turn in turns if turn.role not in INSTRUCTIONS):
        for part in turn.parts:
            if isinstance(part, ToolResult):
                if part.call_id not in waiting:
                    raise misplaced(turns, part, "the result of a tool call that does not precede")
                waiting.discard(part.call_id)
        if waiting:  # a turn went by without all of the results
            break
        for part in turn.parts:
            if isinstance(part, ToolCall):
                if part.id in waiting:
                    raise misplaced(turns, part, "a tool call with an id that precedes")
                waiting.add(part.id)
    if waiting:
        call = next(
            part
            for turn in reversed(turns)
            for part in turn.parts
            if isinstance(part, ToolCall) and part.id in waiting
        )
        raise misplaced(turns, call, "a tool call whose result does not follow")


def misplaced(turns: Sequence[Turn], part: ToolCall | ToolResult, what: str) -> Failure:
    """Return the `Failure` for a call or a result in the wrong place."""
    at = next(turn.at for turn in turns if any(each is part for each in turn.parts))
    name = part.id if isinstance(part, ToolCall) else part.call_id
    return invalid_field(at, f"'{at}' has {what}: '{name[:64]}'.")
