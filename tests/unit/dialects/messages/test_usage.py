"""Usage read from a stream that passes through."""

from __future__ import annotations

import pytest

from airouter.dialects.conversation import Usage
from airouter.dialects.messages.errors import error_event
from airouter.dialects.messages.usage import UsageReader
from airouter.failures import Failure
from airouter.interfaces import BrokenReply

START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","usage":'
    b'{"input_tokens":9,"cache_read_input_tokens":3,"output_tokens":1}}}\n\n'
)
WORDS = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"\\"usage\\": {"}}\n\n'
)
COST = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"output_tokens":7}}\n\n'
)
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
WHOLE = Usage(input_tokens=12, output_tokens=7, cached_tokens=3)


@pytest.mark.parametrize("filler", [0, 3, 500])
@pytest.mark.parametrize("size", [1, 7, 64, 1_000_000])
def test_what_passes_through_is_unchanged_and_counted(size: int, filler: int) -> None:
    stream = START + WORDS * filler + COST + STOP
    written: list[bytes] = []
    reader = UsageReader(written.append)
    for at in range(0, len(stream), size):
        reader.feed(stream[at : at + size])
    assert b"".join(written) == stream
    assert reader.finish() == WHOLE


@pytest.mark.parametrize("size", [1, 64, 1_000_000])
def test_what_vertex_adds_to_a_stream_reaches_no_client_and_counts_nothing(size: int) -> None:
    added = b'event: vertex_event\ndata: {"type":"vertex_event","usage":{"output_tokens":1}}\n\n'
    stream = START + added + WORDS + COST + added + STOP
    written: list[bytes] = []
    reader = UsageReader(written.append)
    for at in range(0, len(stream), size):
        reader.feed(stream[at : at + size])
    assert reader.finish() == WHOLE
    assert b"".join(written) == START + WORDS + COST + STOP


def test_a_message_begins_once() -> None:
    written: list[bytes] = []
    reader = UsageReader(written.append)
    for each in (START, START, WORDS, START + COST + STOP):
        reader.feed(each)
    assert reader.finish() == WHOLE
    assert b"".join(written) == START + WORDS + COST + STOP


def test_a_stream_that_breaks_off_says_why() -> None:
    written: list[bytes] = []
    reader = UsageReader(written.append)
    reader.feed(START + WORDS[:20])
    failure = Failure(502, "Gone", type="server_error")
    reader.break_off(failure)
    assert b"".join(written) == START + error_event(failure)
    with pytest.raises(BrokenReply):
        reader.finish()


def test_a_cost_that_is_nested_too_deeply_is_not_read() -> None:
    written: list[bytes] = []
    reader = UsageReader(written.append)
    deep = b'event: message_start\ndata: {"usage":{"output_tokens":7},"x":' + b"[" * 15_000
    reader.feed(deep + b"\n\n" + b": " + b"x" * 9000 + b"\n\n" + COST + STOP)
    assert reader.finish() == Usage(output_tokens=7)
