"""A Responses stream that passes through while its usage is read from the side.

The last event has the whole response in it, and its usage near the end.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from airouter.dialects.conversation import Usage
from airouter.dialects.tail import Tail

Write = Callable[[bytes], None]

TAIL = 262_144
"""Bytes in which the last event is expected, counted from the end."""


class InputDetails(msgspec.Struct):
    """Parts of the prompt."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    """Parts of the answer."""

    reasoning_tokens: int | None = None


class Counts(msgspec.Struct):
    """The `usage` of a response."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class Body(msgspec.Struct):
    """Any body with usage in it."""

    usage: Counts | None = None


class Finished(msgspec.Struct):
    """The last event of a stream."""

    response: Body | None = None


_body = msgspec.json.Decoder(Body)
_event = msgspec.json.Decoder(Finished)


def usage_of(body: bytes) -> Usage | None:
    """The usage in a whole response; None when there is none that can be read."""
    try:
        counts = _body.decode(body).usage
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if counts is None else parse_usage(counts)


def parse_usage(counts: Counts) -> Usage:
    """From OpenAI's numbers."""
    given, made = counts.input_tokens_details, counts.output_tokens_details
    return Usage(
        input_tokens=counts.input_tokens,
        output_tokens=counts.output_tokens,
        cached_tokens=given.cached_tokens if given else None,
        cache_write_tokens=given.cache_write_tokens if given else None,
        reasoning_tokens=made.reasoning_tokens if made else None,
    )


class UsageReader:
    """Forwards everything as it is and remembers the end."""

    __slots__ = ("_tail", "write")

    failure = None

    def __init__(self, write: Write) -> None:
        self.write = write
        self._tail = Tail(TAIL)

    def feed(self, data: bytes) -> None:
        self.write(data)
        self._tail.add(data)

    def finish(self) -> Usage | None:
        """The stream is whole: the usage in its last event."""
        *_, data = self._tail.read().rstrip().rpartition(b"\ndata:")
        try:
            response = _event.decode(data).response
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        counts = response.usage if response else None
        return None if counts is None else parse_usage(counts)

    def abandon(self) -> bool:
        """Whether the client has the beginning of an event without its end."""
        return self._tail.is_inside_an_event()
