"""Calls of responses that pass through: no two with one id, and none without arguments."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airouter.dialects.conversation import Json
from airouter.dialects.responses.calls import with_given_ids, with_mended_calls
from airouter.dialects.responses.usage import UsageReader
from contract.services.stand_in import sse


def call(call_id: str | None, arguments: str | None = "{}", **more: Any) -> Json:
    item = {"type": "function_call", "id": "fc", "call_id": call_id, "name": "f"}
    return {**item, "arguments": arguments, "status": "completed", **more}


CUSTOM = {"type": "custom_tool_call", "call_id": "a", "name": "c", "input": ""}
SHELL = {"type": "local_shell_call", "call_id": "a", "action": {"command": ["ls"]}}
SEARCH: Json = {"type": "tool_search_call", "call_id": None, "arguments": {}}
RESULT = {"type": "shell_call_output", "call_id": "a", "output": []}


def whole(*items: Json) -> bytes:
    return json.dumps({"id": "r", "object": "response", "output": list(items)}).encode()


def items_in(body: bytes) -> list[Json]:
    items: list[Json] = json.loads(body)["output"]
    return items


def event(kind: str, **fields: Any) -> bytes:
    return sse({"type": f"response.{kind}", **fields}, f"response.{kind}")


def added(at: int, item: Json) -> bytes:
    fresh = item | {"arguments": "", "status": "in_progress"}
    return event("output_item.added", output_index=at, item=fresh)


def done(at: int, item: Json) -> bytes:
    return event("output_item.done", output_index=at, item=item)


def completed(*items: Json) -> bytes:
    return event("completed", response={"id": "r", "output": list(items)})


def told(*events: bytes) -> list[Json]:
    """The events for the client."""
    out: list[bytes] = []
    reader = UsageReader(out.append, None)
    for each in events:
        reader.feed(each)
    reader.finish()
    lines = (line for line in b"".join(out).splitlines() if line.startswith(b"data: "))
    return [json.loads(line[6:]) for line in lines]


def test_calls_with_one_id_are_told_apart_in_a_whole_response() -> None:
    items = items_in(with_mended_calls(whole(call("a"), CUSTOM, SHELL, RESULT, call("b"))))
    assert [each["call_id"] for each in items] == ["a", "a_twin2", "a_twin3", "a", "b"]


def test_a_call_without_an_id_of_its_own_has_that_of_the_call() -> None:
    bare = {name: value for name, value in call("a").items() if name != "id"}
    assert items_in(with_mended_calls(whole(bare))) == [bare | {"id": "a"}]
    *events, last = told(added(0, bare), done(0, bare), completed(bare))
    items = [each["item"] for each in events] + last["response"]["output"]
    assert [item["id"] for item in items] == ["a"] * 3


@pytest.mark.parametrize("arguments", ["", None, " "])
def test_a_call_without_arguments_has_an_empty_object(arguments: Any) -> None:
    assert items_in(with_mended_calls(whole(call("a", arguments)))) == [call("a")]


def test_a_call_that_was_cut_before_its_arguments_stays_as_it_is() -> None:
    body = whole(call("a", "", status="incomplete"), CUSTOM | {"call_id": "b"}, SEARCH)
    assert with_mended_calls(body) == body


def test_calls_with_one_id_are_told_apart_in_every_event_of_a_stream() -> None:
    items = call("a"), call("a"), call("b")
    events = told(
        *(added(at, item) for at, item in enumerate(items)),
        *(done(at, item) for at, item in enumerate(items)),
        completed(*items),
    )
    expected = ["a", "a_twin2", "b"]
    assert [each["item"]["call_id"] for each in events[:3]] == expected
    assert [each["item"]["call_id"] for each in events[3:6]] == expected
    assert [each["call_id"] for each in events[-1]["response"]["output"]] == expected


def without_places(*events: bytes) -> list[bytes]:
    return [each.replace(b'"output_index"', b'"other"') for each in events]


@pytest.mark.parametrize(
    "stream",
    [
        [done(1, call("a")), done(2, call("b")), completed(call("a"), call("b"))],
        without_places(
            *(added(0, call("a")), added(0, call("b")), done(0, call("a")), done(0, call("b"))),
            completed(call("a"), call("b")),
        ),
    ],
)
def test_calls_are_the_same_at_the_end_where_other_items_or_places_are_left_out(
    stream: list[bytes],
) -> None:
    *events, last = told(*stream)
    ids = [event["item"]["call_id"] for event in events]
    assert sorted(set(ids)) == ["a", "b"]
    assert [item["call_id"] for item in last["response"]["output"]] == ["a", "b"]


def test_twins_are_told_apart_at_the_end_where_other_items_are_left_out() -> None:
    *_, last = told(done(1, call("a")), done(2, call("a")), completed(call("a"), call("a")))
    assert [each["call_id"] for each in last["response"]["output"]] == ["a", "a_twin2"]


def test_a_call_that_lacks_the_very_field_for_its_id_gets_one() -> None:
    nameless = {key: value for key, value in call("a").items() if key != "call_id"}
    (whole_one,) = items_in(with_mended_calls(whole(nameless)))
    assert whole_one["call_id"].startswith("call_")
    event, last = told(done(0, nameless), completed(nameless))
    assert event["item"]["call_id"] == last["response"]["output"][0]["call_id"]


def test_a_call_without_an_id_has_the_same_in_every_event_of_a_stream() -> None:
    events = told(added(0, call(None)), done(0, call("")), completed(call(None)))
    ids = {events[0]["item"]["call_id"], events[2]["response"]["output"][0]["call_id"]}
    assert len(ids) == 1
    assert ids.pop().startswith("call_")


def test_a_call_without_arguments_has_an_empty_object_in_every_event_of_its_end() -> None:
    arguments = event("function_call_arguments.done", output_index=0, arguments="")
    begun, *ended = told(
        added(0, call("a")), arguments, done(0, call("a", "")), completed(call("a", ""))
    )
    assert begun["item"]["arguments"] == ""
    assert ended[0]["arguments"] == "{}"
    assert ended[1]["item"] == ended[2]["response"]["output"][0] == call("a")


def test_an_empty_output_is_filled_with_calls_that_are_told_apart() -> None:
    events = told(done(0, call("a", "")), done(1, call("a")), completed())
    assert events[-1]["response"]["output"] == [call("a"), call("a_twin2")]


@pytest.mark.parametrize(
    "body",
    [
        whole(call("a"), call("b", '{"x": 1}'), SEARCH, RESULT, RESULT),
        b'{"output": [{"type": "function_call", "call_id": 7}]}',
        b'{"output": null, "call_id": "a"}',
    ],
)
def test_a_whole_response_without_a_fault_passes_to_the_byte(body: bytes) -> None:
    assert with_mended_calls(body) == body


def test_a_stream_without_a_fault_passes_to_the_byte() -> None:
    arguments = event("function_call_arguments.done", output_index=0, arguments='{"x": 1}')
    delta = event("function_call_arguments.delta", output_index=0, delta="arguments.done")
    stream = added(0, call("a")) + delta + arguments + done(0, call("a")) + completed(call("a"))
    out: list[bytes] = []
    UsageReader(out.append, None).feed(stream)
    assert b"".join(out) == stream


def test_a_provider_is_told_the_ids_that_it_gave() -> None:
    items = b'{"call_id": "a_twin2", "x": "call_id: a_twin2"},{"call_id":"b_twin"}'
    assert with_given_ids(items) == items.replace(b'"a_twin2"', b'"a"')
