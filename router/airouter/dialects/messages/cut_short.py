"""The end of a stream of messages that the router ends itself."""

from __future__ import annotations

import re

import msgspec

BLOCK = re.compile(rb'"type"\s*:\s*"content_block_(start|delta|stop)"')
INDEX = re.compile(rb'"index"\s*:\s*(\d{1,6})')
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def end_at_length(events: bytes, tokens_out: int) -> bytes:
    """Return the events with which a stream ends that has become too long.

    `events` are its latest: a block that they leave open is ended, too.
    """
    told = {
        "type": "message_delta",
        "delta": {"stop_reason": "max_tokens", "stop_sequence": None},
        "usage": {"output_tokens": tokens_out},
    }
    delta = b"event: message_delta\ndata: " + msgspec.json.encode(told) + b"\n\n"
    return block_end(events) + delta + STOP


def block_end(events: bytes) -> bytes:
    """Return the event that ends the block which is open, if one is."""
    found = list(BLOCK.finditer(events))
    if not found or found[-1][1] == b"stop":
        return b""
    last = found[-1]
    line = events[events.rfind(b"\n", 0, last.start()) + 1 :].partition(b"\n")[0]
    index = INDEX.search(line)
    if index is None:
        return b""
    body = b'{"type":"content_block_stop","index":%b}' % index[1]
    return b"event: content_block_stop\ndata: " + body + b"\n\n"
