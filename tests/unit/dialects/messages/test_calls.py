"""Calls of messages that pass through: no two with one id, and none without an input."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airouter.dialects.conversation import Json
from airouter.dialects.messages.calls import with_mended_calls
from airouter.dialects.messages.usage import UsageReader
from contract.services.stand_in import sse

STOP = sse({"type": "message_stop"}, "message_stop")


def call(id_: str | None, **more: Any) -> Json:
    return {"type": "tool_use", "id": id_, "name": "f", "input": {}, **more}


HOSTED = call("a") | {"type": "server_tool_use", "name": "web_search"}


def whole(*blocks: Json) -> bytes:
    return json.dumps({"id": "msg_1", "content": list(blocks), "stop_reason": "tool_use"}).encode()


def blocks_in(body: bytes) -> list[Json]:
    blocks: list[Json] = json.loads(body)["content"]
    return blocks


def begin(index: int, block: Json) -> bytes:
    name = "content_block_start"
    return sse({"type": name, "index": index, "content_block": block}, name)


def through(*events: bytes) -> bytes:
    out: list[bytes] = []
    reader = UsageReader(out.append)
    for event in events:
        reader.feed(event)
    reader.finish()
    return b"".join(out)


def begun_in(events: bytes) -> list[Json]:
    lines = (line for line in events.splitlines() if line.startswith(b"data: "))
    found = (json.loads(line[6:]) for line in lines)
    return [each["content_block"] for each in found if "content_block" in each]


def test_calls_with_one_id_are_told_apart_in_a_whole_message() -> None:
    told = blocks_in(with_mended_calls(whole(HOSTED, call("a"), call("a"), call("b"))))
    assert [each["id"] for each in told] == ["a", "a", "a_2", "b"]


@pytest.mark.parametrize("silent", [{"input": None}, {"input": ""}])
def test_a_call_without_an_input_has_an_empty_one(silent: Json) -> None:
    assert blocks_in(with_mended_calls(whole(call("a", **silent)))) == [call("a")]
    assert begun_in(through(begin(0, call("a", **silent)) + STOP)) == [call("a")]


def test_a_call_without_an_id_gets_one() -> None:
    one, other = blocks_in(with_mended_calls(whole(call(None), call(""))))
    assert one["id"]
    assert other["id"]
    assert one["id"] != other["id"]


def test_calls_with_one_id_are_told_apart_in_a_stream() -> None:
    events = begin(0, HOSTED), begin(1, call("a")), begin(2, call("a")) + begin(3, call("b")), STOP
    assert [each["id"] for each in begun_in(through(*events))] == ["a", "a", "a_2", "b"]


@pytest.mark.parametrize(
    "body",
    [
        whole(call("a"), call("b", input={"x": 1})),
        whole({"type": "text", "text": "tool_use"}),
        b'{"content": [{"type": "tool_use", "id": 7}]}',
        b'{"content": "tool_use", "x": "tool_use"}',
    ],
)
def test_a_whole_message_without_a_fault_passes_to_the_byte(body: bytes) -> None:
    assert with_mended_calls(body) == body


def test_a_stream_without_a_fault_passes_to_the_byte() -> None:
    delta = sse({"type": "message_delta", "delta": {"stop_reason": "tool_use"}}, "message_delta")
    events = begin(0, call("a")), b": comment\n\n" + begin(1, call("b")), delta, STOP
    assert through(*events) == b"".join(events)
