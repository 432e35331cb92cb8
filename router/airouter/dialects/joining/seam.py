"""The seam between streams of several backends that make one answer.

A client sees one answer: one beginning, parts that are counted on, an open text that goes on in its
own part. A tool call is held until it is whole, since a half one can only be begun anew. Calls that
are told end the answer when its stream breaks: to go on after a call takes its result, and the
client's next request, which brings that, has the model call what else it wanted.
"""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Reasoning, Signature, Text, ToolCall
from airouter.dialects.events import (
    ArgumentsDelta,
    Begun,
    Broken,
    Cited,
    Counted,
    Ended,
    PartBegun,
    PartEnded,
    Pinged,
    Signed,
    Stopped,
    TextDelta,
)
from airouter.dialects.spending import added

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.conversation import Citation, Part, Usage
    from airouter.dialects.events import Delta, Event

    PartEvent = PartBegun | Delta | PartEnded

LIMIT = 1_048_576
"""Characters of an answer that are kept; a longer one is not gone on with."""
NOBODY = Signature(maker="nobody", value="cut")
"""Signs a thought that was cut off, so that no model is given it back."""


class HeldCall:
    """A tool call that is not whole."""

    __slots__ = ("_arguments", "_signed", "begun")

    def __init__(self, begun: PartBegun) -> None:
        self.begun = begun
        self._arguments = StringIO()
        self._signed: list[Delta] = []

    def feed(self, event: Delta) -> int:
        """Take more of the call. Returns how many characters came."""
        if isinstance(event, ArgumentsDelta):
            return self._arguments.write(event.text)
        self._signed.append(event)
        return 1

    def grown(self) -> Iterator[Delta]:
        """Yield what came after the beginning, in one piece."""
        text = self._arguments.getvalue()
        if text:
            yield ArgumentsDelta(at=self.begun.at, text=text)
        yield from self._signed


class Seam:
    """A stage from the streams of one answer, one after the other, to its client."""

    __slots__ = (
        "_at",
        "_begun",
        "_call",
        "_calls",
        "_cut",
        "_gap",
        "_is_first",
        "_length",
        "_lost",
        "_muted",
        "_offset",
        "_open",
        "_said",
        "_size",
        "_stopped",
        "_thinks",
        "spent",
    )

    def __init__(self) -> None:
        self.spent: Usage | None = None
        """The cost of the streams before; None in the first."""
        self._begun = False
        self._at = -1
        """The number of the part that was begun last at the client."""
        self._open: Part | None = None
        """That part as it began, until the client knows of its end."""
        self._cut = False
        """True where it is a thought that a stream before left unfinished."""
        self._is_first = False
        """True until a later stream begins a part."""
        self._length = 0
        """Characters of the text that is open."""
        self._offset: int | None = None
        """Where in the open text this stream began; None in a part that it began itself."""
        self._said = StringIO()
        """All text of the answer."""
        self._size = 0
        """Characters of text and of calls that came."""
        self._gap = ""
        """White space that the client has, and that this stream may begin with once more."""
        self._thinks = True
        """True where the client is shown the thoughts of this stream."""
        self._muted = False
        """True inside a thought that is left out."""
        self._call: HeldCall | None = None
        self._calls = 0
        """Whole calls that the client was told of."""
        self._stopped = False
        self._lost = False
        """True once there is more than another backend can be given."""

    @property
    def text(self) -> str:
        """Return all text so far."""
        return self._said.getvalue()

    @property
    def can_go_on(self) -> bool:
        """Return True where another backend can go on with the answer."""
        return not (self._lost or self.can_end)

    @property
    def can_end(self) -> bool:
        """Return True where the answer may end as it is: it has stopped, or has whole calls."""
        return self._stopped or (self._calls > 0 and not self._lost)

    def resume(self, spent: Usage) -> None:
        """Begin with another stream, after some that have cost `spent`."""
        text = self.text
        self.spent = spent
        self._is_first = True
        self._gap = text[len(text.rstrip()) :]
        self._thinks = not text
        self._muted = False
        self._call = None
        self._cut = isinstance(self._open, Reasoning)

    def end(self) -> Iterator[Event]:
        """Yield the end of an answer that `can_end`."""
        self._call = None
        yield from self._close()
        if not self._stopped:
            self._stopped = True
            yield Stopped(stop="tool_calls")
        yield Ended()

    def feed(self, event: Event) -> Iterator[Event]:
        """Yield the events for the client."""
        match event:
            case Begun():
                if not self._begun:
                    self._begun = True
                    yield event
            case Counted():
                yield event if self.spent is None else Counted(usage=added(self.spent, event.usage))
            case Stopped():
                yield from self._close()
                self._stopped = True
                yield event
            case Pinged() | Ended() | Broken():
                yield event
            case PartEnded() if self._muted:
                self._muted = False
            case _ if self._muted:
                pass
            case PartBegun():
                yield from self._begin(event)
            case PartEnded():
                yield from self._end_part(event)
            case _:
                yield from self._grow(event)

    # Parts.

    def _begin(self, event: PartBegun) -> Iterator[Event]:
        part = event.part
        if isinstance(part, Reasoning) and not self._thinks:
            self._muted = True
        elif isinstance(part, ToolCall) and not self._lost:
            self._call = HeldCall(event)
        elif self._is_first and isinstance(part, Text) and isinstance(self._open, Text):
            self._is_first = False
            self._offset = self._length
        else:
            yield from self._open_part(event)

    def _open_part(self, event: PartBegun) -> Iterator[Event]:
        yield from self._close()
        self._at += 1
        self._open = event.part
        self._is_first = False
        self._length = 0
        self._offset = None
        if event.choice != 0 or not isinstance(event.part, Text | Reasoning | ToolCall):
            self._lost = True
        yield self._placed(event)

    def _grow(self, event: Delta) -> Iterator[Event]:
        if self._call is not None:
            self._size += self._call.feed(event)
            if self._size > LIMIT:
                self._lost = True
                yield from self._release(self._call)
            return
        if isinstance(event, TextDelta):
            text = self._new_part_of(event.text)
            if not text and not event.logprobs:
                return
            self._keep(text)
            if text != event.text:
                event = msgspec.structs.replace(event, text=text)
        elif self._offset is not None:
            if isinstance(event, Signed):  # which is of the end of a text that it takes for whole
                return
            if isinstance(event, Cited):
                citation = shifted(event.citation, self._offset)
                event = msgspec.structs.replace(event, citation=citation)
        yield self._placed(event)

    def _end_part(self, event: PartEnded) -> Iterator[Event]:
        """End a part; a text stays open until something else comes, so that it can go on."""
        if self._call is not None:
            yield from self._release(self._call)
            self._calls += 1
        elif isinstance(self._open, Text):
            return
        self._open = None
        yield self._placed(event)

    def _release(self, call: HeldCall) -> Iterator[Event]:
        """Tell of the call that was held."""
        self._call = None
        yield from self._open_part(call.begun)
        yield from map(self._placed, call.grown())

    def _close(self) -> Iterator[Event]:
        """End the part that is open at the client."""
        if self._open is None:
            return
        self._open = None
        if self._cut:
            self._cut = False
            yield Signed(at=self._at, signature=NOBODY)
        yield PartEnded(at=self._at)

    def _placed(self, event: PartEvent) -> Event:
        return event if event.at == self._at else msgspec.structs.replace(event, at=self._at)

    # Text.

    def _new_part_of(self, text: str) -> str:
        """Return the text of a delta without white space that the client has already."""
        if not self._gap:
            return text
        same = shared_beginning(self._gap, text)
        self._gap = self._gap[same:] if same == len(text) else ""
        if self._offset is not None:
            self._offset -= same
        return text[same:]

    def _keep(self, text: str) -> None:
        self._length += len(text)
        self._size += len(text)
        if self._size > LIMIT:
            self._lost = True
            self._said = StringIO()
        else:
            self._said.write(text)


def shared_beginning(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, pair in pairs if pair[0] != pair[1]), min(len(one), len(other)))


def shifted(citation: Citation, offset: int) -> Citation:
    """Return a citation with its places moved by so many characters."""
    start, end = (
        None if place is None else max(0, place + offset)
        for place in (citation.start, citation.end)
    )
    return msgspec.structs.replace(citation, start=start, end=end)
