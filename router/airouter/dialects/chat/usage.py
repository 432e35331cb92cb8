"""Streams of chat completion chunks that pass through while their usage is read.

A client that asked for usage gets the events that came. From any other the usage event is
hidden, which the router asked for. Calls that could not be answered are mended (`calls.py`).
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.calls import CALLS, SOME, CallMender
from airouter.dialects.chat.cut_short import end_at_length
from airouter.dialects.chat.errors import error_event, failure_in
from airouter.dialects.chat.minimax import error_in_field
from airouter.dialects.conversation import Usage
from airouter.dialects.ending import Ending
from airouter.dialects.estimation import TextMeter
from airouter.dialects.forwarding import DECODED, EVENT_END, EventForwarder, edges
from airouter.dialects.openai_usage import CHAT_BODY, neutral_usage, usage_in
from airouter.dialects.tail import Tail
from airouter.interfaces import unfinished
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json
    from airouter.dialects.dialect import Write
    from airouter.failures import Failure
    from airouter.interfaces import EndedEarly

TAIL = 8_192
"""Bytes in which the last usage of a stream is expected, counted from its end."""

DONE = b"[DONE]", re.compile(rb"(?:^|[\r\n])data:[ ]?\[DONE\]")
"""In the last event; what a model says of it has no line of its own."""
USAGE_WORD = b'"usage"'
USAGE = re.compile(USAGE_WORD + rb"\s*:\s*\{")
SAMPLES, SAMPLED = 32, 2_048
"""Pieces of a stream, and bytes of one, by which the text of the stream may be estimated."""
TEXT = TextMeter("content", "reasoning_content", "reasoning", "refusal", "arguments", "text")
ERROR, BASE_RESP = b'"error"', b'"base_resp"'
DONE_EVENT = b"data: [DONE]\n\n"
FINISHED = re.compile(rb'"finish_reason"\s*:\s*"')
ENDED = re.compile(rb'"finish_reason"\s*:\s*"|\[DONE\]|(?:^|\n)data:[ ]?\{\s*"error"\s*:\s*[{"]')
"""In a stream that is whole: the first, with or without the second, or its provider's error."""
FAILED = re.compile(rb'"finish_reason"\s*:\s*"error"|(?:^|\n)data:[ ]?\{\s*"object"\s*:\s*"error"')
"""In a stream that failed by an event at which no SDK fails: one is told of it in another."""


class BareError(msgspec.Struct):
    """An event that may be an error, without a field for it."""

    object: str | None = None
    message: str | None = None


_error = msgspec.json.Decoder(BareError)


class ChunkForwarder(EventForwarder):
    """A forwarder of chunks; the calls in them are mended."""

    __slots__ = ("_calls",)

    last = DONE_EVENT

    def __init__(self, write: Write) -> None:
        super().__init__(write, Ending(*DONE))
        self._calls: CallMender | None = None
        """None until there is a call."""

    def mended(self, events: bytes) -> bytes:
        """Return whole events, at least one of which may have a call or come after some."""
        if self._calls is None:
            if not SOME.search(events):
                return events
            self._calls = CallMender()
        return self._calls.feed(events)

    @abstractmethod
    def seen(self) -> bytes:
        """Return the end of what was forwarded."""

    def at_end(self, events: bytes) -> None:
        """See `EventForwarder`. SDKs read no further than to the mark of the end."""
        end = self.seen() + events
        if fails(end):
            raise self.broken(end)

    def broken(self, end: bytes) -> EndedEarly:
        """Return the error of a stream that is not whole, with the reason that its end tells."""
        error = unfinished()
        told = error_of_minimax(end) or error_at_top(end)
        if told is not None:
            failure = failure_in(told)
            if self._mask is not None:
                self._mask.failure(failure)
            error.told = failure.message
        return error


class UsageReader(ChunkForwarder):
    """Forwards a stream as it is and remembers its end."""

    __slots__ = ("_tail",)

    def __init__(self, write: Write) -> None:
        super().__init__(write)
        self._tail = Tail(TAIL)

    def forward(self, events: bytes) -> None:
        if self._calls is not None or events.find(CALLS) >= 0:
            events = self.mended(events)
        self.write(events)
        self._tail.add(events)

    def finish(self) -> Usage | None:
        """Return the last usage in the stream. Raises `BrokenReply` for one that is not whole."""
        self.feed_rest()
        end = self.seen()
        if not self.is_whole():
            raise self.broken(end)
        if lacks_done(end):
            self.write(DONE_EVENT)
        return last_usage(end)

    def seen(self) -> bytes:
        return self._tail.read()

    def is_whole(self) -> bool:
        end = edges(self.seen())
        return ENDED.search(end) is not None and not fails(end)

    def usage_so_far(self, received: int) -> Usage:
        return last_usage(self._tail.read()) or self._tail.estimate(TEXT, received)

    def tokens_so_far(self, received: int) -> int:
        return self._tail.estimate(TEXT, received).output_tokens or 0

    def cut_short(self) -> None:
        self.write(end_at_length(self._tail.read()) + DONE_EVENT)

    def break_off(self, failure: Failure) -> None:
        self.write(error_event(failure))


class UsageHider(ChunkForwarder):
    """Forwards all but the usage event."""

    __slots__ = ("_forwarded", "_newest", "_sample", "_usage")

    def __init__(self, write: Write) -> None:
        super().__init__(write)
        self._sample: deque[bytes] = deque(maxlen=SAMPLES)
        self._newest = b""
        """The last piece, which the sample has the end of."""
        self._forwarded = 0
        self._usage: Usage | None = None

    def forward(self, events: bytes) -> None:
        if self._calls is not None or events.find(CALLS) >= 0:
            events = self.mended(events)
        at = events.find(USAGE_WORD)  # a third of what the search costs, and null needs none
        if at >= 0 and events.find(b"{", at) >= 0 and USAGE.search(events, at):
            events = self._without_usage(events)
        if events:
            self.write(events)
            self._newest = events
            self._forwarded += 1
            self._sample.append(events if len(events) < SAMPLED else events[-SAMPLED:])

    def finish(self) -> Usage | None:
        """Return the last usage of the stream. Raises `BrokenReply` for one that is not whole."""
        self.feed_rest()
        if self._sample and self._sample[-1].endswith(DONE_EVENT):
            return self._usage
        end = b"".join((self.seen(), self._newest))
        if not self.is_whole():
            raise self.broken(end)
        if lacks_done(end):
            self.write(DONE_EVENT)
        return self._usage

    def seen(self) -> bytes:
        return b"".join(self._sample)

    def is_whole(self) -> bool:
        pieces = edges(self._newest), *reversed(self._sample)
        return any(map(ENDED.search, pieces)) and not any(map(fails, pieces))

    def usage_so_far(self, received: int) -> Usage:
        before = self._forwarded - len(self._sample)
        tokens = TEXT.tokens(self._sample, before, received)
        return self._usage or Usage(output_tokens=tokens)

    def tokens_so_far(self, received: int) -> int:
        return TEXT.tokens(self._sample, self._forwarded - len(self._sample), received)

    def cut_short(self) -> None:
        self.write(end_at_length(b"".join(self._sample)) + DONE_EVENT)

    def break_off(self, failure: Failure) -> None:
        self.write(error_event(failure))

    def _without_usage(self, data: bytes) -> bytes:
        kept = []
        start = 0
        for match in EVENT_END.finditer(data):
            event = data[start : match.end()]
            start = match.end()
            if not self._is_usage(event):
                kept.append(event)
        return b"".join(kept)

    def _is_usage(self, event: bytes) -> bool:
        at = event.find(USAGE_WORD)
        if at < 0 or len(event) > DECODED or not USAGE.search(event, at):
            return False
        chunk = decoded_or_none(CHAT_BODY, payload(event))
        counts = None if chunk is None else chunk.counts
        if chunk is None or counts is None:
            return False
        self._usage = neutral_usage(counts)
        is_error = ERROR in event or error_in_field(chunk.base_resp) is not None
        return not chunk.choices and not is_error  # some servers say null, or nothing


def lacks_done(end: bytes) -> bool:
    """Return True where a stream of chat ended without the mark that some clients wait for."""
    return end.rfind(b"[DONE]") < 0 and FINISHED.search(end) is not None


def fails(end: bytes) -> bool:
    """Return whether the end of a stream, or a piece of that, has an error that no SDK sees."""
    return end.find(ERROR) >= 0 and FAILED.search(edges(end)) is not None


def error_at_top(end: bytes) -> Json | None:
    """Return the error that is an event of the end of a stream by itself (vLLM before 0.10)."""
    for event in EVENT_END.split(end):
        found = decoded_or_none(_error, payload(event)) if event.find(ERROR) >= 0 else None
        if found is not None and found.object == "error":
            return {"message": found.message}
    return None


def error_of_minimax(end: bytes) -> Json | None:
    """Return MiniMax's error in the end of a stream; None where there is none."""
    if end.find(BASE_RESP) < 0:
        return None
    for event in EVENT_END.split(end[-DECODED:]):
        if event.find(BASE_RESP) >= 0:
            chunk = decoded_or_none(CHAT_BODY, payload(event))
            if chunk is not None and not chunk.choices:
                return error_in_field(chunk.base_resp)
    return None


def last_usage(end: bytes) -> Usage | None:
    """Return the last usage in the end of a stream."""
    usage = None
    for event in EVENT_END.split(end[-DECODED:]):
        if USAGE.search(event):
            usage = usage_in(CHAT_BODY, payload(event)) or usage
    return usage


def payload(event: bytes) -> bytes:
    """Return the data of an event, its lines joined."""
    lines = (line for line in event.splitlines() if line.startswith(b"data:"))
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines)
