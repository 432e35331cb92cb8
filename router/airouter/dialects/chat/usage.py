"""Streams of chat completion chunks that pass through while their usage is read.

Server-sent events by the WHATWG standard: events end with an empty line; lines end with LF, CRLF or
CR. A client that asked for usage gets the very bytes that came. From any other the usage event is
hidden, which the router asked for: whole events are looked at, and an unfinished one waits for its
rest; the bytes that are forwarded are still those that came.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.errors import error_event
from airouter.dialects.conversation import Usage
from airouter.dialects.ending import MORE, Ending
from airouter.dialects.estimation import TextMeter
from airouter.dialects.framing import last_end
from airouter.dialects.openai_usage import CHAT_BODY, ChatCounts, neutral_usage, usage_in
from airouter.dialects.tail import Tail
from airouter.interfaces import Surplus
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from airouter.dialects.dialect import Write
    from airouter.failures import Failure

EVENT_LIMIT = 1_048_576
"""Bytes of one event that is looked at; a longer one is forwarded unseen."""
TAIL = 8_192
"""Bytes in which the last usage of a stream is expected, counted from its end."""

DONE = b"[DONE]", re.compile(rb"(?:^|[\r\n])data:[ ]?\[DONE\]")
"""In the last event; what a model says of it has no line of its own."""
USAGE = re.compile(rb'"usage"\s*:\s*\{')
SAMPLES, SAMPLED = 32, 2_048
"""Pieces of a stream, and bytes of one, by which the text of the stream may be estimated."""
TEXT = TextMeter("content", "reasoning_content", "reasoning", "refusal", "arguments", "text")
EVENT_END = re.compile(rb"(?:\r\n|\n|\r)(?:\r\n|\n|\r)")


class Chunk(msgspec.Struct):
    """The fields of a chunk that tell the usage event from others."""

    choices: list[msgspec.Raw] | None = None
    usage: ChatCounts | None = None


_chunk = msgspec.json.Decoder(Chunk)


class UsageReader:
    """Forwards a stream as it is and remembers its end."""

    __slots__ = ("_ending", "_tail", "write")

    failure = None

    def __init__(self, write: Write) -> None:
        self.write = write
        self._ending = Ending(*DONE)
        self._tail = Tail(TAIL)

    def feed(self, data: bytes) -> None:
        surplus = b""
        if data.find(DONE[0]) >= 0 or self._ending.over:  # a call less for each event
            data, surplus = self._ending.split(data)
        self.write(data)
        self._tail.add(data)
        if surplus:
            raise Surplus(MORE)

    def finish(self) -> Usage | None:
        """Return the last usage in the stream, which is whole."""
        usage = None
        for event in EVENT_END.split(self._tail.read()):
            if USAGE.search(event):
                usage = usage_in(CHAT_BODY, payload(event)) or usage
        return usage

    def usage_so_far(self, received: int) -> Usage:
        return self.finish() or self._tail.estimate(TEXT, received)

    def break_off(self, failure: Failure) -> None:
        """Tell the client of an error; it may have the beginning of an event without its end."""
        self.write(error_event(failure, mid_event=self._tail.is_inside_an_event()))


class UsageHider:
    """Forwards all but the usage event, event by event."""

    __slots__ = ("_ending", "_forwarded", "_held", "_sample", "_usage", "write")

    failure = None

    def __init__(self, write: Write) -> None:
        self.write = write
        self._ending = Ending(*DONE)
        self._held = b""
        self._sample: deque[bytes] = deque(maxlen=SAMPLES)
        self._forwarded = 0
        self._usage: Usage | None = None

    def feed(self, data: bytes) -> None:
        if self._held:
            data = self._held + data
            self._held = b""
        # Most pieces are whole events.
        if not data.endswith(b"\n\n"):
            data = self._hold_back(data)
        surplus = b""
        if data.find(DONE[0]) >= 0 or self._ending.over:
            data, surplus = self._ending.split(data)
        at = data.find(b'"usage"')  # a third of what the search costs, and null needs none
        if at >= 0 and data.find(b"{", at) >= 0 and USAGE.search(data):
            data = self._without_usage(data)
        if data:
            self.write(data)
            self._forwarded += 1
            self._sample.append(data if len(data) < SAMPLED else data[-SAMPLED:])
        if surplus:
            self._held = b""
            raise Surplus(MORE)

    def finish(self) -> Usage | None:
        """Forward the rest of the stream, and return its last usage."""
        rest = self._without_usage(self._held)
        if rest:
            self.write(rest)
        return self._usage

    def usage_so_far(self, received: int) -> Usage:
        before = self._forwarded - len(self._sample)
        tokens = TEXT.tokens(self._sample, before, received)
        return self._usage or Usage(output_tokens=tokens)

    def break_off(self, failure: Failure) -> None:
        """Tell the client of an error; the unfinished event is dropped."""
        self.write(error_event(failure))

    def _hold_back(self, data: bytes) -> bytes:
        """Keep an unfinished event for later; return the bytes before it."""
        end = last_end(data)
        if len(data) - end > EVENT_LIMIT:
            return data
        self._held = data[end:]
        return data[:end]

    def _without_usage(self, data: bytes) -> bytes:
        kept = []
        start = 0
        for end in [*(match.end() for match in EVENT_END.finditer(data)), len(data)]:
            event = data[start:end]
            start = end
            if not self._is_usage(event):
                kept.append(event)
        return b"".join(kept)

    def _is_usage(self, event: bytes) -> bool:
        if not USAGE.search(event):
            return False
        chunk = decoded_or_none(_chunk, payload(event))
        if chunk is None or chunk.usage is None:
            return False
        self._usage = neutral_usage(chunk.usage)
        return chunk.choices == []


def payload(event: bytes) -> bytes:
    """Return the data of an event, its lines joined."""
    lines = (line for line in event.splitlines() if line.startswith(b"data:"))
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines)
