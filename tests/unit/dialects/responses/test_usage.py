"""Streams of Responses that pass through, cut anywhere."""

from __future__ import annotations

import time
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects.conversation import Json
from airouter.dialects.framing import ServerSentEvents
from airouter.dialects.responses import streamed
from airouter.dialects.responses.usage import UsageReader
from airouter.failures import Failure, ended_early
from contract.services.stand_in import sse

LAST = (
    b"event: response.completed\n"
    b'data: {"type":"response.completed","response":{"usage":{"input_tokens":7,"output_tokens":5}}}'
)


def stream(end: bytes) -> bytes:
    first = b"event: response.created\ndata: {}".replace(b"\n", end)
    return first + 2 * end + b": ping" + 2 * end + LAST.replace(b"\n", end) + 2 * end


def through(pieces: list[bytes]) -> tuple[list[bytes], int | None]:
    """What the client gets, piece by piece, and the tokens of the prompt."""
    out: list[bytes] = []
    reader = UsageReader(out.append, None)
    for piece in pieces:
        reader.feed(piece)
    usage = reader.finish()
    return out, usage.input_tokens if usage else None


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@given(places=st.lists(st.integers(0, 500), max_size=12))
def test_whole_events_pass_however_they_are_cut(end: bytes, places: list[int]) -> None:
    whole = stream(end)
    edges = [0, *sorted(min(place, len(whole)) for place in places), len(whole)]
    out, tokens = through([whole[a:b] for a, b in pairwise(edges)])
    assert (b"".join(out), tokens) == (whole, 7)
    assert all(piece.endswith(2 * end) for piece in out)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_stream_cut_at_every_byte_passes_event_by_event(end: bytes) -> None:
    out, tokens = through([bytes([byte]) for byte in stream(end)])
    assert (len(out), tokens) == (3, 7)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_the_usage_in_an_event_of_several_lines_counts(end: bytes) -> None:
    whole = stream(b"\n").replace(b'"response":{"usage"', b'"response":{\ndata: "usage"')
    whole = whole.replace(b"\n", end)
    out, tokens = through([whole[at : at + 7] for at in range(0, len(whole), 7)])
    assert (b"".join(out), tokens) == (whole, 7)


def test_the_usage_counts_where_a_server_ends_a_response_as_it_ends_a_chat() -> None:
    whole, done = stream(b"\n"), b"data: [DONE]\n\n"
    assert through([whole, done]) == ([whole, done], 7)
    assert through([whole + done]) == ([whole + done], 7)


def test_an_event_with_a_picture_in_it_costs_no_more_for_coming_in_many_pieces() -> None:
    picture = b'data: {"b64":"' + b"A" * 4_194_304 + b'"}\n\n'
    begun = time.process_time()
    pieces = [picture[at : at + 1_024] for at in range(0, len(picture), 1_024)]
    out: list[bytes] = []
    reader = UsageReader(out.append, None)
    for piece in pieces:
        reader.feed(piece)
    assert time.process_time() - begun < 2
    assert out == [picture]


ITEM: Json = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
CREATED: Json = {
    "type": "response.created",
    "sequence_number": 0,
    "response": {"id": "resp_1", "object": "response", "status": "in_progress", "output": []},
}
ITEM_DONE: Json = {
    "type": "response.output_item.done",
    "sequence_number": 1,
    "output_index": 0,
    "item": ITEM,
}
ERROR: Json = {
    "type": "error",
    "sequence_number": 2,
    "error": {"type": "server_error", "code": "rate_limit_exceeded", "message": "Busy"},
}


def passed(*events: Json, failure: Failure | None = None) -> list[Json]:
    """What a client gets of events, with ids of its own."""
    out: list[bytes] = []
    reader = UsageReader(out.append, lambda data: data.replace(b"resp_1", b"resp_ours"))
    for each in events:
        reader.feed(sse(each, each["type"]))
    if failure is None:
        reader.finish()
    else:
        reader.break_off(failure)
    return [msgspec.json.decode(each.data) for each in ServerSentEvents().feed(b"".join(out))]


def test_a_stream_that_is_broken_off_ends_with_an_error_and_a_failed_response() -> None:
    *_, error, last = passed(CREATED, ITEM_DONE, failure=ended_early())
    assert (error["type"], error["sequence_number"]) == ("error", 2)
    assert (last["type"], last["sequence_number"]) == ("response.failed", 3)
    assert last["response"] == {
        "id": "resp_ours",
        "object": "response",
        "status": "failed",
        "error": {"code": "server_error", "message": ended_early().message},
        "output": [ITEM],
    }


def test_an_error_alone_is_followed_by_a_failed_response() -> None:
    *_, error, last = passed(CREATED, ITEM_DONE, ERROR)
    assert error == ERROR
    assert (last["type"], last["sequence_number"]) == ("response.failed", 3)
    assert last["response"]["error"] == {"code": "rate_limit_exceeded", "message": "Busy"}


def test_a_failed_response_of_the_providers_own_is_not_told_twice() -> None:
    failed = {**CREATED, "type": "response.failed", "sequence_number": 3}
    told = [each["type"] for each in passed(CREATED, ERROR, failed)]
    assert told == ["response.created", "error", "response.failed"]


def test_an_empty_output_is_filled_with_the_items_that_were_streamed() -> None:
    completed = {**CREATED, "type": "response.completed", "sequence_number": 2}
    assert passed(CREATED, ITEM_DONE, completed)[-1]["response"]["output"] == [ITEM]
    assert passed(CREATED, completed)[-1]["response"]["output"] == []
    completed["response"] = {"id": "resp_1", "output": [{"id": "other"}], "x": {"output": []}}
    assert passed(CREATED, ITEM_DONE, completed)[-1]["response"]["output"] == [{"id": "other"}]


def test_an_empty_output_is_filled_with_the_items_that_came_in_one_piece_with_it() -> None:
    completed = {**CREATED, "type": "response.completed", "sequence_number": 2}
    begun = {**ITEM_DONE, "type": "response.output_item.added", "output_index": 1}
    events = b"".join(sse(each, each["type"]) for each in (CREATED, ITEM_DONE, begun, completed))
    out, _ = through([events])
    last = msgspec.json.decode(ServerSentEvents().feed(b"".join(out))[-1].data)
    assert last["response"]["output"] == [ITEM, ITEM]


def test_a_response_that_began_in_several_lines_ends_in_one_event() -> None:
    created = b'data: {"type":"response.created","response":{"id":"r","x":{\ndata: "y":1}}}\n\n'
    out: list[bytes] = []
    reader = UsageReader(out.append, None)
    reader.feed(created)
    reader.break_off(ended_early())
    last = msgspec.json.decode(ServerSentEvents().feed(b"".join(out))[-1].data)
    assert (last["type"], last["response"]["x"]) == ("response.failed", {"y": 1})


def test_more_items_than_may_be_kept_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "MOST_KEPT", 100)
    completed = {**CREATED, "type": "response.completed", "sequence_number": 2}
    events = passed(CREATED, ITEM_DONE, {**ITEM_DONE, "output_index": 1}, completed)
    assert events[-1]["response"]["output"] == []
