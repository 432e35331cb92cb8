"""The events of a whole answer, for a client that asked for a stream; `assembly.py` is the reverse.

There are servers that answer every request as a whole, and clients' SDKs take that for a stream
without events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Reasoning, Refusal, Text, ToolCall
from airouter.dialects.events import (
    ArgumentsDelta,
    Begun,
    Cited,
    Counted,
    Ended,
    PartBegun,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    Signed,
    Stopped,
    TextDelta,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.conversation import Answer, Choice, Part
    from airouter.dialects.events import Delta, Event


def retold(answer: Answer) -> Iterator[Event]:
    """Yield the events of a stream that says the same as `answer`."""
    yield Begun(
        id=answer.id,
        model=answer.model,
        created=answer.created,
        service_tier=answer.service_tier,
        usage=answer.usage,
    )
    for choice in answer.choices:
        yield from retold_choice(choice)
    if answer.usage is not None:
        yield Counted(usage=answer.usage)
    yield Ended()


def retold_choice(choice: Choice) -> Iterator[Event]:
    """Yield the events of one choice."""
    for at, part in enumerate(choice.parts):
        begun, deltas = begun_part(part, at, choice.index)
        yield PartBegun(at=at, part=begun, choice=choice.index)
        yield from deltas
        yield PartEnded(at=at, choice=choice.index)
    yield Stopped(stop=choice.stop, stop_sequence=choice.stop_sequence, choice=choice.index)


def begun_part(part: Part, at: int, choice: int) -> tuple[Part, list[Delta]]:
    """Return a part as it begins, and what makes it whole."""
    deltas: list[Delta] = []
    begun: Part = part
    match part:
        case Text(text=text, logprobs=logprobs):
            begun = msgspec.structs.replace(part, text="", citations=(), logprobs=None)
            deltas.append(TextDelta(at=at, text=text, choice=choice, logprobs=logprobs))
            deltas += [Cited(at=at, citation=each, choice=choice) for each in part.citations]
        case Refusal(text=text):
            begun = msgspec.structs.replace(part, text="")
            deltas.append(RefusalDelta(at=at, text=text, choice=choice))
        case ToolCall(arguments=arguments):
            begun = msgspec.structs.replace(part, arguments="")
            deltas.append(ArgumentsDelta(at=at, text=arguments, choice=choice))
        case Reasoning():
            begun, deltas = begun_reasoning_part(part, at, choice)
    return begun, deltas


def begun_reasoning_part(part: Reasoning, at: int, choice: int) -> tuple[Part, list[Delta]]:
    """Return a thought as it begins, and what makes it whole; a redacted one is whole at once."""
    if part.signature is not None and part.signature.redacted:
        return part, []
    deltas: list[Delta] = [
        ReasoningDelta(at=at, text=text, choice=choice, summary=number)
        for number, text in enumerate(part.summary)
    ]
    if part.text:
        deltas.append(ReasoningDelta(at=at, text=part.text, choice=choice))
    if part.signature is not None:
        deltas.append(Signed(at=at, signature=part.signature, choice=choice))
    return msgspec.structs.replace(part, text="", summary=(), signature=None), deltas
