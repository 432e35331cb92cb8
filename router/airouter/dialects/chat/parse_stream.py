"""From a provider's chunks to events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.counts import parse_usage
from airouter.dialects.chat.errors import failure_in
from airouter.dialects.chat.parse_response import (
    Call,
    Completion,
    Said,
    WireChoice,
    call_of,
    citations_of,
    read_completion,
    stop_of,
)
from airouter.dialects.conversation import Audio, Reasoning, Refusal, Text, ToolCall
from airouter.dialects.events import (
    ArgumentsDelta,
    Begun,
    Broken,
    Cited,
    Counted,
    Ended,
    Event,
    PartBegun,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    Stopped,
    TextDelta,
)
from airouter.failures import ended_early

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.conversation import Destination, Part
    from airouter.dialects.framing import Frame

DONE = b"[DONE]"


class Parser:
    """The state of one stream."""

    __slots__ = ("_begun", "_choices", "_destination", "_over", "_stopped")

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._choices: dict[int, ChoiceParser] = {}
        self._begun = False
        self._stopped = False
        self._over = False

    def feed(self, frame: Frame) -> Iterator[Event]:
        """The events of one chunk."""
        if self._over:
            return
        if frame.data == DONE:
            yield from self.finish()
            return
        chunk = read_completion(frame.data)
        if chunk.error:
            self._over = True
            yield Broken(failure=failure_in(chunk.error))
            return
        if not self._begun:
            self._begun = True
            yield self._begin(chunk)
        for choice in chunk.choices or ():
            yield from self._choice(choice)
        if chunk.usage is not None:
            yield Counted(usage=parse_usage(chunk.usage))

    def finish(self) -> Iterator[Event]:
        """Whole when a choice has stopped: not every server says `[DONE]`."""
        if self._over:
            return
        self._over = True
        yield Ended() if self._stopped else Broken(failure=ended_early())

    def _begin(self, chunk: Completion) -> Begun:
        return Begun(
            id=chunk.id or "",
            model=chunk.model or self._destination.model,
            created=chunk.created,
            service_tier=chunk.service_tier,
        )

    def _choice(self, choice: WireChoice) -> Iterator[Event]:
        parser = self._choices.get(choice.index)
        if parser is None:
            parser = self._choices[choice.index] = ChoiceParser(choice.index)
        yield from parser.feed(choice)
        self._stopped = self._stopped or choice.finish_reason is not None


class ChoiceParser:
    """The state of one choice: which part is open."""

    __slots__ = ("_at", "_call", "_index", "_kind", "_sound", "_stopped")

    def __init__(self, index: int) -> None:
        self._index = index
        self._at = -1
        self._kind: type[Part] | None = None
        """Of the part that is open."""
        self._call: Call | None = None
        self._sound: Audio | None = None
        self._stopped = False

    def feed(self, choice: WireChoice) -> Iterator[Event]:
        """The events of one delta."""
        if self._stopped:
            return
        said = choice.delta or choice.message or Said()
        thought = said.reasoning_content or said.reasoning
        if thought:
            yield from self._open(Reasoning())
            yield ReasoningDelta(at=self._at, text=thought, choice=self._index)
        tokens = choice.logprobs.content if choice.logprobs is not None else None
        if said.content or tokens:
            yield from self._open(Text(text=""))
            yield TextDelta(
                at=self._at,
                text=said.content or "",
                choice=self._index,
                logprobs=tuple(tokens) if tokens else None,
            )
        if said.refusal:
            yield from self._open(Refusal(text=""))
            yield RefusalDelta(at=self._at, text=said.refusal, choice=self._index)
        if said.annotations and self._kind is Text:
            for citation in citations_of(said):
                yield Cited(at=self._at, citation=citation, choice=self._index)
        if said.audio is not None:
            self._hear(said)
        for call in said.tool_calls or ():
            yield from self._called(call)
        if choice.finish_reason is not None:
            yield from self._stop(choice.finish_reason)

    def _open(self, part: Part) -> Iterator[Event]:
        """Begin a part, unless one of its kind is open."""
        if self._kind is not type(part):
            yield from self._begin(part)

    def _begin(self, part: Part) -> Iterator[Event]:
        yield from self._close()
        self._at += 1
        self._kind = type(part)
        yield PartBegun(at=self._at, part=part, choice=self._index)

    def _close(self) -> Iterator[Event]:
        if self._kind is not None:
            self._kind = None
            yield PartEnded(at=self._at, choice=self._index)

    def _called(self, call: Call) -> Iterator[Event]:
        """A call, or more of one. Some servers give every call the index 0, and each its id."""
        last = self._call if self._kind is ToolCall else None
        if last is None or call.index != last.index or (call.id and call.id != last.id):
            self._call = call
            begun = call_of(call)
            yield from self._begin(msgspec.structs.replace(begun, arguments=""))
        arguments = call_of(call).arguments
        if arguments:
            yield ArgumentsDelta(at=self._at, text=arguments, choice=self._index)

    def _hear(self, said: Said) -> None:
        """Sound comes in pieces of base64 that begin anew: kept, and given whole."""
        piece = said.audio
        if piece is None:
            return
        heard = self._sound or Audio(data="", transcript="")
        self._sound = Audio(
            id=piece.id or heard.id,
            data=(heard.data or "") + (piece.data or ""),
            transcript=(heard.transcript or "") + (piece.transcript or ""),
            expires_at=piece.expires_at or heard.expires_at,
        )

    def _stop(self, reason: str) -> Iterator[Event]:
        if self._sound is not None:
            yield from self._begin(self._sound)
        yield from self._close()
        self._stopped = True
        yield Stopped(stop=stop_of(reason), choice=self._index)
