"""Failures as clients of Anthropic know them, and the cost read from what passes through."""

from __future__ import annotations

import msgspec
import pytest
from anthropic.types import ErrorResponse

from airouter.dialects.conversation import Usage
from airouter.dialects.messages.counts import usage_of
from airouter.dialects.messages.errors import error_body, error_event, error_status
from airouter.dialects.messages.usage import UsageReader
from airouter.failures import Failure

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


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (504, "timeout_error"),
    ],
)
def test_an_error_has_the_kind_of_its_status(status: int, kind: str) -> None:
    body = error_body(Failure(status, "No."))
    if status != 413:  # not among the SDK's types, and still the API's
        ErrorResponse.model_validate_json(body, strict=True)
    assert msgspec.json.decode(body)["error"] == {"type": kind, "message": "No."}
    assert error_status(Failure(status, "No.")) == status


def test_an_overload_has_a_status_of_its_own() -> None:
    overload = Failure(503, "Busy.", code="overloaded_error")
    assert error_status(overload) == 529
    assert b'"overloaded_error"' in error_body(overload)


def test_an_error_in_a_stream_is_an_event_that_ends_what_was_open() -> None:
    failure = Failure(502, "No.")
    event = b"event: error\ndata: " + error_body(failure) + b"\n\n"
    assert error_event(failure) == event
    assert error_event(failure, mid_event=True) == b"\n\n" + event


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


def test_a_stream_that_breaks_off_ends_its_event_and_says_why() -> None:
    written: list[bytes] = []
    reader = UsageReader(written.append)
    reader.feed(START + WORDS[:20])
    failure = Failure(502, "Gone", type="server_error")
    reader.break_off(failure)
    assert b"".join(written) == START + WORDS[:20] + error_event(failure, mid_event=True)
    assert reader.finish() == Usage(input_tokens=12, output_tokens=1, cached_tokens=3)


def test_the_cost_of_a_whole_message_is_read() -> None:
    assert usage_of(b'{"usage":{"input_tokens":9,"output_tokens":7}}') == Usage(
        input_tokens=9, output_tokens=7
    )
    deep = b'{"usage":{"output_tokens":7},"x":' + b"[" * 200_000
    for body in (b"", b"{}", b"[1]", b'{"usage":5}', b'{"usage":null}', b"\xff", deep):
        assert usage_of(body) is None


def test_a_cost_that_is_nested_too_deeply_is_not_read() -> None:
    written: list[bytes] = []
    reader = UsageReader(written.append)
    deep = b'event: message_start\ndata: {"usage":{"output_tokens":7},"x":' + b"[" * 15_000
    reader.feed(deep + b"\n\n" + b"x" * 9000 + b"\n\n" + COST + STOP)
    assert reader.finish() == Usage(output_tokens=7)
