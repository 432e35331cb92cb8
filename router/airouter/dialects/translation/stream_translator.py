"""The stream of a conversation between two dialects, event by event."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Usage
from airouter.dialects.ending import DONE, MORE
from airouter.dialects.escapes import SplitEscapes
from airouter.dialects.estimation import tokens_in, tokens_of_prompt
from airouter.dialects.events import (
    ArgumentsDelta,
    Begun,
    Broken,
    Counted,
    Ended,
    PartBegun,
    PartEnded,
    Pinged,
    ReasoningDelta,
    RefusalDelta,
    Stopped,
    TextDelta,
)
from airouter.dialects.framing import LARGE, has_many_values
from airouter.dialects.spending import added
from airouter.dialects.translation.cutting import cut_events
from airouter.dialects.translation.unique_calls import UniqueCalls
from airouter.interfaces import BrokenReply, Surplus, UpstreamRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airouter.dialects.client_request import ClientRequest
    from airouter.dialects.dialect import (
        Framing,
        Stage,
        StreamParser,
        StreamRenderer,
        Write,
    )
    from airouter.dialects.events import Event
    from airouter.dialects.framing import Frame
    from airouter.dialects.joining.joined_answer import JoinedAnswer
    from airouter.dialects.translation.base import Mask
    from airouter.failures import Failure


COUNTS = (Begun, Counted)
TEXTS = (TextDelta, ReasoningDelta, RefusalDelta, ArgumentsDelta)
PARTS = (PartBegun, PartEnded)
TOO_DEEP = "the upstream's answer is nested too deeply"
MOST_EVENTS = 1_000
"""That are made of one frame: a whole answer with a hundred calls makes some three hundred."""
MOST_PARTS = 10_000
"""Of one answer: at its end some clients get all of them once more, in one event."""


def read_frame(frame: Frame, parser: StreamParser, escapes: SplitEscapes) -> Iterable[Event]:
    """Return the events of a frame. Raises `BrokenReply` for one that takes too long to read."""
    if len(frame.data) > LARGE and has_many_values(frame.data):  # few are, and a call costs
        raise BrokenReply("an event of the upstream's stream has too many values")
    return parser.feed(escapes.whole(frame))


class StreamTranslator:
    """One stream on its way from a provider's frames to a client's."""

    __slots__ = (
        "_counted",
        "_ended",
        "_escapes",
        "_framing",
        "_mask",
        "_model",
        "_open",
        "_parser",
        "_parts",
        "_renderer",
        "_request",
        "_request_id",
        "_seal",
        "_sent",
        "_stages",
        "_started",
        "_stopped",
        "_text",
        "_unique",
        "_usage",
        "failure",
        "write",
    )

    def __init__(
        self,
        framing: Framing,
        parser: StreamParser,
        renderer: StreamRenderer,
        write: Write,
        stages: Sequence[Stage] = (),
        *,
        request: ClientRequest | None = None,
        model: str,
    ) -> None:
        """Take the name of the `model` that the client knows: a provider's may say whose it is."""
        self._model = model
        self._request = request
        self._seal = None if request is None else request.seal
        self.write = write
        self._stages = stages
        self.failure: Failure | None = None
        self._framing = framing
        self._escapes = SplitEscapes()
        self._parser = parser
        self._renderer = renderer
        self._sent = 0
        """Times that the client has got something."""
        self._stopped = False
        self._mask: Mask | None = None
        self._request_id: str | None = None
        self._started = False
        self._ended = False
        self._parts = 0
        """Parts that have begun."""
        self._open: PartBegun | None = None
        """The part that is not whole."""
        self._text = 0
        """Bytes of text, of reasoning and of calls that came."""
        self._usage: Usage | None = None
        self._unique = UniqueCalls()
        self._counted = False
        """Whether the usage is of more than the beginning."""

    def guard(self, mask: Mask, request_id: str) -> None:
        self._mask = mask
        self._request_id = request_id

    def feed(self, data: bytes) -> None:
        out: list[bytes] = []
        try:
            for frame in self._framing.feed(data):
                if self._ended and frame.data != DONE:
                    self._send(out)
                    raise Surplus(MORE)
                before = len(out)
                events = read_frame(frame, self._parser, self._escapes)
                out += map(self._take, islice(events, MOST_EVENTS))
                if len(out) - before == MOST_EVENTS:
                    raise BrokenReply("an event of the upstream's stream says too much")
        except Surplus:
            raise
        except (BrokenReply, RecursionError, UpstreamRefused) as error:
            if self._sent or self._stopped:  # else another backend may still be asked
                self._send(out)
            if isinstance(error, RecursionError):
                raise BrokenReply(TOO_DEEP) from None
            raise
        self._send(out)

    def finish(self) -> Usage | None:
        try:
            out = [self._take(event) for event in chain(self._last_events(), self._parser.finish())]
        except RecursionError:
            raise BrokenReply(TOO_DEEP) from None
        self._send(out)
        return self._usage

    def _last_events(self) -> Iterator[Event]:
        """Yield the events of what is left without an end; what cannot be read of it is none."""
        with suppress(BrokenReply):
            for frame in self._framing.rest():
                yield from read_frame(frame, self._parser, self._escapes)

    def usage_so_far(self, received: int) -> Usage:  # noqa: ARG002  # the text itself is counted
        return self._own_usage()

    def _own_usage(self) -> Usage:
        """Return the cost of this stream alone."""
        try:
            for event in self._parser.finish():  # with what some know, and tell at the end alone
                if isinstance(event, COUNTS):
                    self._note(event)
        except (BrokenReply, RecursionError):
            pass
        usage = self._usage or Usage()
        if self._counted and usage.output_tokens:
            return usage
        return msgspec.structs.replace(usage, output_tokens=tokens_in(self._text))

    def is_whole(self) -> bool:
        return self._stopped

    def progress(self, received: int) -> int:  # noqa: ARG002  # much of it is nothing for a client
        return self._sent

    def tokens_so_far(self, received: int) -> int:  # noqa: ARG002  # the text itself is counted
        return tokens_in(self._text)

    def cut_short(self) -> None:
        events = cut_events(self._open, self._own_usage())
        self._send([self._take(event) for event in events])

    def break_off(self, failure: Failure) -> None:
        self.write(self._renderer.feed(Broken(failure=failure)))

    def _take(self, event: Event) -> bytes:
        """Return an event for the client. Raises `UpstreamRefused` for an error before all else."""
        if isinstance(event, TEXTS):
            self._text += len(event.text.encode())
        elif isinstance(event, COUNTS):
            self._note(event)
            if isinstance(event, Begun):
                event = msgspec.structs.replace(event, model=self._model)
        elif isinstance(event, PARTS):
            event = self._part(event)
        elif isinstance(event, Broken):
            self._break(event.failure)
        elif isinstance(event, Stopped):
            self._stopped = True
        elif isinstance(event, Ended):
            self._ended = True
        if self._started or isinstance(event, Begun):
            self._started = True
            return self._rendered(event)
        if isinstance(event, Pinged):
            return self._rendered(event)
        self._started = True  # by a provider that says nothing of the answer before its content
        return self._rendered(Begun(id="", model=self._model)) + self._rendered(event)

    def _rendered(self, event: Event) -> bytes:
        """Return an event for the client, after all stages."""
        if not self._stages:
            return self._renderer.feed(event)
        events: Iterable[Event] = (event,)
        for stage in self._stages:
            events = chain.from_iterable(map(stage.feed, events))
        return b"".join(map(self._renderer.feed, events))

    def _part(self, event: PartBegun | PartEnded) -> PartBegun | PartEnded:
        """Return the begin or the end of a part, of which it takes note. Raises `BrokenReply`."""
        self._open = None
        if not isinstance(event, PartBegun):
            return event
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise BrokenReply("the upstream's answer has too many parts")
        self._open = self._unique.begun(event)
        return self._open

    def _break(self, failure: Failure) -> None:
        """Take note of an error. Raises `UpstreamRefused` for one before all else."""
        if self._mask is not None:
            self._mask.failure(failure)
        failure.request_id = self._request_id
        if not self._started:  # another backend may still be asked
            raise UpstreamRefused(failure)
        self.failure = failure

    def _note(self, event: Begun | Counted) -> None:
        self._usage = event.usage or self._usage
        self._counted = isinstance(event, Counted)
        if isinstance(event, Begun) and self._request is not None:
            self._request.answered_by = event.model

    def _send(self, pieces: list[bytes]) -> None:
        out = b"".join(pieces)
        if out:
            self._sent += 1
            self.write(self._seal(out) if self._seal else out)


class JoinedTranslator(StreamTranslator):
    """One of the streams that make an answer. An error inside it is for the attempt to end with."""

    __slots__ = ("_joined", "_prompt")

    def __init__(
        self,
        framing: Framing,
        parser: StreamParser,
        joined: JoinedAnswer,
        write: Write,
        request: ClientRequest,
        model: str,
    ) -> None:
        super().__init__(framing, parser, joined, write, request=request, model=model)
        self._joined = joined
        self._prompt = partial(tokens_of_prompt, request.body, joined.seam.text)
        self._sent = 1  # what came before a fault is part of the answer that is gone on with
        joined.add_stream(self.usage_so_far)

    def finish(self) -> Usage | None:
        usage = super().finish()
        return usage if self._joined.seam.spent is None else self.usage_so_far(0)

    def usage_so_far(self, received: int) -> Usage:  # noqa: ARG002  # the text itself is counted
        """Return the cost of this stream and of those before it; the input is told, too."""
        return added(self._joined.seam.spent, self._own_usage())

    def break_off(self, failure: Failure) -> None:
        if self._joined.seam.can_end:
            self.write(self._joined.feed(Counted(usage=self._own_usage())))
        super().break_off(failure)

    def _take(self, event: Event) -> bytes:
        """Return an event for the client. Raises `UpstreamRefused` for an error inside a stream."""
        seam = self._joined.seam
        if isinstance(event, Broken) and (seam.can_go_on or seam.can_end):
            raise UpstreamRefused(event.failure)
        if isinstance(event, Ended) and seam.spent is not None and not self._counted:
            own = self._joined.feed(Counted(usage=self._own_usage()))
            return own + super()._take(event)
        return super()._take(event)

    def _own_usage(self) -> Usage:
        """Return the cost of this stream alone, estimated where it was not told."""
        usage = super()._own_usage()
        if usage.input_tokens is None:
            return msgspec.structs.replace(usage, input_tokens=self._prompt())
        return usage
