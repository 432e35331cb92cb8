"""From a provider's chunks to events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.completion import (
    Completion,
    WireCall,
    WireChoice,
    WireMessage,
    error_in,
    message_text,
    message_thought,
    read_completion,
)
from airouter.dialects.chat.errors import failure_in
from airouter.dialects.chat.open_call import OpenCall
from airouter.dialects.chat.parse_response import (
    CUT,
    FAULTS,
    arguments_of,
    citations_of,
    created_in,
    fault,
    images_of,
    name_of,
    stop_of,
)
from airouter.dialects.chat.pieced_arguments import is_more_of
from airouter.dialects.chat.reasoning import begun_thought
from airouter.dialects.chat.sources import sources_of
from airouter.dialects.conversation import Audio, Refusal, Text, ToolCall
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
from airouter.dialects.in_order import PartsInOrder
from airouter.dialects.openai_usage import neutral_usage
from airouter.failures import ended_early
from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airouter.dialects.conversation import Citation, Destination, Part
    from airouter.dialects.framing import Frame
    from airouter.dialects.in_order import PartEvent
    from airouter.failures import Failure

DONE = b"[DONE]"


class Parser:
    """The state of one stream."""

    __slots__ = ("_begun", "_choices", "_destination", "_over")

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._choices: dict[int, ChoiceParser] = {}
        self._begun = False
        self._over = False

    def feed(self, frame: Frame) -> Iterator[Event]:
        """Yield the events of one chunk."""
        if self._over:
            return
        if frame.data == DONE:
            yield from self._done()
            return
        chunk = read_completion(frame.data)
        failure = failure_of(chunk)
        if failure is not None:
            self._over = True
            yield Broken(failure=failure)
            return
        if not self._begun:
            self._begun = True
            yield self._begin(chunk)
        counts, sources = chunk.usage, sources_of(chunk)
        for choice in chunk.choices or ():
            reader = self._reader(choice.index or 0)
            reader.sources = sources or reader.sources
            yield from reader.feed(choice)
            counts = counts or choice.usage
        if counts is not None:
            yield Counted(usage=neutral_usage(counts))

    def finish(self) -> Iterator[Event]:
        """Yield the end: the stream is whole when a choice has stopped.

        Not every server sends `[DONE]`.
        """
        if self._over:
            return
        self._over = True
        for choice in self._choices.values():
            if choice.reason:
                yield from choice.stop()
        whole = any(choice.stopped for choice in self._choices.values())
        yield Ended() if whole else Broken(failure=ended_early())

    def _done(self) -> Iterator[Event]:
        """Yield the end of a stream that is over for its server, maybe without a reason."""
        for choice in self._choices.values():
            yield from choice.stop()
        yield from self.finish()

    def _begin(self, chunk: Completion) -> Begun:
        return Begun(
            id=chunk.id or "",
            model=chunk.model or self._destination.model,
            created=created_in(chunk),
            service_tier=chunk.service_tier,
        )

    def _reader(self, index: int) -> ChoiceParser:
        parser = self._choices.get(index)
        if parser is None:
            parser = self._choices[index] = ChoiceParser(index, self._destination.model)
        return parser


def failure_of(chunk: Completion) -> Failure | None:
    """Return the failure that a chunk tells of; None where it tells of none."""
    error = error_in(chunk)
    if error is not None:
        return failure_in(error)
    reasons = (choice.finish_reason for choice in chunk.choices or ())
    reason = next((reason for reason in reasons if reason in FAULTS), None)
    return None if reason is None else fault(reason)


class ChoiceParser:
    """The state of one choice: the part that began last, and the calls."""

    __slots__ = (
        "_at",
        "_calls",
        "_cited",
        "_early_ids",
        "_index",
        "_kind",
        "_model",
        "_newest",
        "_order",
        "_sound",
        "reason",
        "sources",
        "stopped",
    )

    def __init__(self, index: int, model: str) -> None:
        self._index = index
        self._model = model
        self._at = -1
        self._kind: type[Part] | None = None
        """The type of the part that began last, unless that is over."""
        self._calls: dict[int | None, OpenCall] = {}
        """The last call at each index."""
        self._early_ids: dict[int | None, str] = {}
        """Ids of calls whose names are yet to come."""
        self._newest: OpenCall | None = None
        self._order = PartsInOrder()
        self._sound: Audio | None = None
        self._cited = False
        self.sources: tuple[Citation, ...] = ()
        """Those of the text, where they are told beside the choice."""
        self.reason: str | None = None
        """Why the choice stops, or will at the end of the stream."""
        self.stopped = False

    def feed(self, choice: WireChoice) -> Iterator[Event]:
        """Yield the events of one delta."""
        if self.stopped:
            return
        said = choice.delta or choice.message or WireMessage()
        thought, text = message_thought(said), message_text(said)
        if thought is not None and not self._is_between(thought.text):
            yield from self._open(begun_thought(thought.field, self._model))
            yield from self._told(
                ReasoningDelta(at=self._at, text=thought.text, choice=self._index)
            )
        tokens = choice.logprobs.content if choice.logprobs is not None else None
        if (text or tokens) and not self._is_between(text):
            yield from self._open(Text(text=""))
            yield from self._told(
                TextDelta(
                    at=self._at,
                    text=text,
                    choice=self._index,
                    logprobs=tuple(tokens) if tokens else None,
                )
            )
        if said.refusal:
            yield from self._open(Refusal(text=""))
            yield from self._told(RefusalDelta(at=self._at, text=said.refusal, choice=self._index))
        yield from self._beside(said)
        for call in said.calls:
            yield from self._calling(call)
        if choice.finish_reason and not self.reason:  # some servers say "" until they know
            self.reason = choice.finish_reason
            if self._lacks_nothing():
                yield from self.stop()

    def _lacks_nothing(self) -> bool:
        """Return False where a call may go on though its server said why it stops."""
        calls = self._calls.values()
        return stop_of(self.reason, called=bool(calls)) in CUT or all(
            call.ended or call.is_whole or call.wire.custom is not None for call in calls
        )

    def _beside(self, said: WireMessage) -> Iterator[Event]:
        """Yield the events of what is no text, and keep a piece of speech."""
        if said.annotations and self._kind is Text:
            yield from self._cite(citations_of(said))
        for image in images_of(said):
            yield from self._begin(image)
        if said.audio is not None:
            self._hear(said)

    def _cite(self, citations: Iterable[Citation]) -> Iterator[Event]:
        for citation in citations:
            self._cited = True
            yield from self._told(Cited(at=self._at, citation=citation, choice=self._index))

    def _told(self, event: PartEvent) -> Iterator[Event]:
        return self._order.feed(event)

    def _is_between(self, text: str) -> bool:
        """Return True for the line ends that some servers write among the pieces of a call."""
        return self._kind is ToolCall and not text.strip()

    def _open(self, part: Part) -> Iterator[Event]:
        """Begin a part, unless one of its kind is open."""
        if self._kind is not type(part):
            yield from self._begin(part)

    def _begin(self, part: Part) -> Iterator[Event]:
        yield from self._next(type(part))
        yield from self._told(PartBegun(at=self._at, part=part, choice=self._index))

    def _next(self, kind: type[Part]) -> Iterator[Event]:
        """Make place for a part."""
        yield from self._close()
        self._at += 1
        self._kind = kind

    def _close(self) -> Iterator[Event]:
        """End the part that began last; a call that is not whole may still go on."""
        kind, self._kind = self._kind, None
        if kind is ToolCall and self._newest is not None:
            yield from self._tell(self._newest)
            if self._newest.is_whole:
                yield from self._end_call(self._newest)
        elif kind is not None:
            yield from self._told(PartEnded(at=self._at, choice=self._index))

    def _calling(self, piece: WireCall) -> Iterator[Event]:
        """Yield the events of a call, or of a further piece of one."""
        arguments = arguments_of(piece)
        if self._is_early(piece, arguments):
            return
        piece = self._with_early_id(piece)
        call = self._call_of(piece)
        if call is None or self._is_another(piece, call, arguments):
            if call is not None:  # nothing tells pieces of it from those of the new one
                yield from self._end_call(call)
            yield from self._next(ToolCall)
            call = self._calls[piece.index] = self._newest = OpenCall(piece, self._at)
        elif name_of(piece) != call.name:
            call.name += name_of(piece)
        if not arguments:
            return
        if not call.ended:
            yield from self._tell(call)
            call.arguments.add(arguments)
            yield from self._told(ArgumentsDelta(at=call.at, text=arguments, choice=self._index))
        elif arguments.strip():
            raise BrokenReply("the upstream's stream goes on with a call that is over")

    def _is_early(self, piece: WireCall, arguments: str) -> bool:
        """Keep the id of a call that some servers tell before all else of it; True for that."""
        if piece.index in self._calls or not piece.id or name_of(piece) or arguments:
            return False
        self._early_ids[piece.index] = piece.id
        return True

    def _with_early_id(self, piece: WireCall) -> WireCall:
        early = self._early_ids.pop(piece.index, None)
        return msgspec.structs.replace(piece, id=piece.id or early) if early else piece

    def _call_of(self, piece: WireCall) -> OpenCall | None:
        """Return the call that a piece may belong to. Raises `BrokenReply` where there is none."""
        newest = self._newest
        if newest is None or piece.index is None:
            return newest
        call = self._calls.get(piece.index)
        if call is not None:
            return call
        if newest.wire.index is None:  # which some servers tell later
            return newest
        if not name_of(piece):
            raise BrokenReply("the upstream's stream goes on with a call that has not begun")
        return None

    def _is_another(self, piece: WireCall, call: OpenCall, arguments: str) -> bool:
        """Return True where a call begins, beside one that has the same index, or none.

        Only the index should tell, and only the first piece have a name and an id. But there are
        servers that give no index or always 0, no id, or one to all calls, or a new one to each
        piece, and each piece its name.
        """
        name = name_of(piece)
        if not name or self._goes_on(piece, call):
            return False
        if name != call.name or (piece.id and piece.id != call.wire.id):
            return True
        if call.ended and self._kind is not ToolCall:
            return True
        return call.wire.custom is None and call.arguments.are_over_before(arguments)

    def _goes_on(self, piece: WireCall, call: OpenCall) -> bool:
        """Return True for more of a name that comes in pieces."""
        is_same = piece.index is not None and piece.id in (None, "", call.wire.id)
        return is_same and not call.told and is_more_of(call.name, name_of(piece))

    def _tell(self, call: OpenCall) -> Iterator[Event]:
        """Tell that a call begins, once: its name may come in pieces, its arguments end that."""
        if not call.told:
            call.told = True
            yield from self._told(PartBegun(at=call.at, part=call.begun, choice=self._index))

    def _end_call(self, call: OpenCall, *, cut: bool = False) -> Iterator[Event]:
        """End a call, once; one that has no arguments has none on purpose, unless it was `cut`."""
        if call.ended:
            return
        call.ended = True
        yield from self._tell(call)
        if not (call.arguments or cut or call.wire.custom is not None):
            yield from self._told(ArgumentsDelta(at=call.at, text="{}", choice=self._index))
        yield from self._told(PartEnded(at=call.at, choice=self._index))

    def _hear(self, said: WireMessage) -> None:
        """Keep a piece of speech: each is base64 of its own, and events take it whole."""
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

    def stop(self) -> Iterator[Event]:
        """Yield the end of the choice, once."""
        if self.stopped:
            return
        if self._kind is Text and not self._cited:
            yield from self._cite(self.sources)
        if self._sound is not None:
            yield from self._begin(self._sound)
        yield from self._close()
        stop = stop_of(self.reason, called=self._newest is not None)
        for call in self._calls.values():
            yield from self._end_call(call, cut=stop in CUT)
        self.stopped = True
        yield Stopped(stop=stop, choice=self._index)
