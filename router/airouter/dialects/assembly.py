"""An answer put together from the events of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects import events
from airouter.dialects.conversation import Answer, Choice, Reasoning, Refusal, Text, ToolCall

if TYPE_CHECKING:
    from airouter.dialects.conversation import Citation, Json, Part, Signature, Usage
    from airouter.failures import Failure


class GrowingPart:
    """A part of an answer while its events come."""

    __slots__ = ("citations", "logprobs", "part", "pieces", "signature", "summary")

    def __init__(self, part: Part) -> None:
        self.part = part
        self.pieces: list[str] = []
        self.summary: dict[int, list[str]] = {}
        self.citations: list[Citation] = []
        self.logprobs: list[Json] = []
        self.signature: Signature | None = None

    def closed(self) -> Part:
        """Return the part with all that has come of it."""
        part = self.part
        text = "".join(self.pieces)
        changes: dict[str, object] = {}
        if self.signature is not None:
            changes["signature"] = self.signature
        if isinstance(part, Text):
            changes["text"] = part.text + text
            if self.citations:
                changes["citations"] = (*part.citations, *self.citations)
            if self.logprobs:
                changes["logprobs"] = tuple(self.logprobs)
        elif isinstance(part, Reasoning):
            changes["text"] = part.text + text
            summary = tuple("".join(pieces) for _, pieces in sorted(self.summary.items()))
            changes["summary"] = part.summary + summary
        elif isinstance(part, Refusal):
            changes["text"] = part.text + text
        elif isinstance(part, ToolCall):
            changes["arguments"] = part.arguments + text
        return msgspec.structs.replace(part, **changes)


class Assembly:
    """Takes every event of a stream; `answer` returns them as one whole answer."""

    def __init__(self) -> None:
        self.failure: Failure | None = None
        self.usage: Usage | None = None
        self._begun = events.Begun(id="", model="")
        self._parts: dict[int, dict[int, Part]] = {}
        self._open: dict[tuple[int, int], GrowingPart] = {}
        self._stops: dict[int, events.Stopped] = {}

    def feed(self, event: events.Event) -> None:
        """Take one more event."""
        match event:
            case events.Begun():
                self._begun = event
                self.usage = event.usage or self.usage
            case events.PartBegun():
                self._open[event.choice, event.at] = GrowingPart(event.part)
            case events.PartEnded():
                part = self._open.pop((event.choice, event.at)).closed()
                self._parts.setdefault(event.choice, {})[event.at] = part
            case events.Stopped():
                self._stops[event.choice] = event
            case events.Counted():
                self.usage = event.usage
            case events.Broken():
                self.failure = event.failure
            case events.Pinged() | events.Ended():
                pass
            case _:
                self._grow(self._open[event.choice, event.at], event)

    def answer(self) -> Answer:
        """Return the answer so far, without the choices that have not stopped."""
        begun = self._begun
        return Answer(
            id=begun.id,
            model=begun.model,
            created=begun.created,
            service_tier=begun.service_tier,
            usage=self.usage,
            choices=tuple(self._choice(index) for index in sorted(self._stops)),
        )

    def _choice(self, index: int) -> Choice:
        stopped = self._stops[index]
        parts = self._parts.get(index, {})
        return Choice(
            parts=tuple(parts[at] for at in sorted(parts)),
            stop=stopped.stop,
            stop_sequence=stopped.stop_sequence,
            index=index,
        )

    def _grow(self, part: GrowingPart, event: events.Delta) -> None:
        match event:
            case events.Cited():
                part.citations.append(event.citation)
            case events.Signed():
                part.signature = event.signature
            case events.ReasoningDelta(summary=int(index)):
                part.summary.setdefault(index, []).append(event.text)
            case events.TextDelta():
                part.pieces.append(event.text)
                part.logprobs.extend(event.logprobs or ())
            case _:
                part.pieces.append(event.text)
