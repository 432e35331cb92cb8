"""Streams of servers that do not number their events: each gets the place that it has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airouter.dialects.conversation import Json
from airouter.dialects.responses.usage import UsageReader
from contract.services.stand_in import sse

THOUGHT: Json = {"id": "rs_1", "type": "reasoning", "summary": [], "content": []}
SAID: Json = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
CALL: Json = {"type": "function_call", "call_id": "fc_a", "name": "f", "arguments": "{}"}
OTHER = CALL | {"call_id": "fc_b"}
PART: Json = {"type": "output_text", "text": ""}
USAGE: Json = {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}
BEGUN: Json = {"id": "resp_1", "object": "response", "status": "in_progress"}
ITEMS = [THOUGHT, SAID, CALL, OTHER]
DONE: Json = BEGUN | {"status": "completed", "output": ITEMS, "usage": USAGE}


def event(kind: str, **fields: Any) -> bytes:
    return sse({"type": f"response.{kind}", **fields}, f"response.{kind}")


OF_LLAMA_CPP = [
    event("created", response=BEGUN),
    event("in_progress", response=BEGUN),
    event("output_item.added", item=THOUGHT),
    event("reasoning_text.delta", delta="Hm.", item_id="rs_1"),
    event("output_item.added", item=SAID),
    event("content_part.added", item_id="msg_1", part=PART),
    event("output_text.delta", item_id="msg_1", delta="Well"),
    event("output_text.delta", item_id="msg_1", delta="."),
    event("output_item.added", item=CALL | {"arguments": ""}),
    event("function_call_arguments.delta", delta="{}", item_id="fc_a"),
    event("output_item.added", item=OTHER | {"arguments": ""}),
    event("function_call_arguments.delta", delta="{}", item_id="fc_b"),
    event("output_item.done", item=THOUGHT),
    event("output_text.done", item_id="msg_1", text="Well."),
    event("content_part.done", item_id="msg_1", part=PART),
    event("output_item.done", item=SAID),
    event("output_item.done", item=CALL),
    event("output_item.done", item=OTHER),
    event("completed", response=DONE),
]
"""As llama.cpp's server writes them."""


def told(*events: bytes) -> list[Json]:
    """The events for the client."""
    out: list[bytes] = []
    reader = UsageReader(out.append, None)
    for each in events:
        reader.feed(each)
    reader.finish()
    lines = b"".join(out).splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith(b"data: ")]


@pytest.mark.parametrize("at_once", [True, False])
def test_every_event_has_its_number_and_every_item_its_place(at_once: bool) -> None:
    found = told(b"".join(OF_LLAMA_CPP)) if at_once else told(*OF_LLAMA_CPP)
    assert [each["sequence_number"] for each in found] == list(range(len(OF_LLAMA_CPP)))
    places = [each["output_index"] for each in found if "output_index" in each]
    assert places == [0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 0, 1, 1, 1, 2, 3]
    parts = [each["content_index"] for each in found if "content_index" in each]
    assert parts == [0] * len(parts)
    texts = [each for each in found if each["type"].startswith("response.output_text")]
    assert all(each["logprobs"] == [] for each in texts)


def test_a_call_without_an_id_has_one_in_every_place() -> None:
    found = told(*OF_LLAMA_CPP)
    items = [each["item"] for each in found if "item" in each] + found[-1]["response"]["output"]
    assert [item["id"] for item in items if item["type"] == "function_call"] == ["fc_a", "fc_b"] * 3
    deltas = [each["item_id"] for each in found if "arguments.delta" in each["type"]]
    assert deltas == ["fc_a", "fc_b"]


def test_items_without_any_id_are_done_in_the_order_in_which_they_began() -> None:
    bare: Json = {"type": "message", "role": "assistant"}
    events = [
        *(event("output_item.added", item=bare | {"content": []}) for _ in range(2)),
        event("output_text.delta", delta="b"),
        *(event("output_item.done", item=bare | {"content": [text]}) for text in "ab"),
        event("completed", response=DONE),
    ]
    found = told(OF_LLAMA_CPP[0], *events)
    assert [each.get("output_index") for each in found[1:-1]] == [0, 1, 1, 0, 1]


def test_calls_with_one_id_are_placed_by_that_of_their_calls() -> None:
    calls = [call | {"id": "fc"} for call in (CALL, OTHER)]
    kinds = ("output_item.added", "output_item.done")
    events = [event(kind, item=call) for kind in kinds for call in calls]
    found = told(OF_LLAMA_CPP[0], *events, event("completed", response=DONE))
    assert [each["output_index"] for each in found[1:-1]] == [0, 1, 0, 1]


@pytest.mark.parametrize("ids", [("fc_1", "fc_2"), (None, None)], ids=["their own", "none"])
def test_calls_with_one_id_of_a_call_have_a_place_each(ids: tuple[str | None, ...]) -> None:
    calls = [CALL | {"id": id_} for id_ in ids]
    kinds = ("output_item.added", "output_item.done")
    events = [event(kind, item=call) for kind in kinds for call in calls]
    last = event("completed", response=DONE | {"output": calls})
    found = told(OF_LLAMA_CPP[0], *events, last)
    assert [each["output_index"] for each in found[1:-1]] == [0, 1, 0, 1]
    called = [each["item"]["call_id"] for each in found[1:-1]]
    output = [item["call_id"] for item in found[-1]["response"]["output"]]
    assert called == [*output, *output]
    assert len(set(output)) == 2


def test_an_empty_output_is_filled_with_every_item() -> None:
    last = event("completed", response=DONE | {"output": []})
    found = told(*OF_LLAMA_CPP[:-1], last)
    named = [item | {"id": item.get("id", item.get("call_id"))} for item in ITEMS]
    assert found[-1]["response"]["output"] == named


def test_what_broke_off_keeps_every_item() -> None:
    failed = event("failed", response=BEGUN | {"status": "failed", "output": []})
    found = told(*OF_LLAMA_CPP[:9], failed)
    kinds = [item["type"] for item in found[-1]["response"]["output"]]
    assert kinds == ["reasoning", "message", "function_call"]
    text = found[-1]["response"]["output"][1]["content"][0]["text"]
    assert text == "Well."


def test_a_place_that_is_told_stays() -> None:
    numbered = [event("created", response=BEGUN, sequence_number=40)]
    numbered.append(event("output_item.added", item=SAID, sequence_number=41))
    found = told(*numbered, event("completed", response=DONE, sequence_number=42))
    assert [each["sequence_number"] for each in found] == [40, 41, 42]
    assert found[1]["output_index"] == 0


def test_a_number_that_is_not_told_follows_the_one_before() -> None:
    begun = event("output_item.added", item=SAID, sequence_number=41)
    found = told(begun, event("output_item.done", item=SAID), event("completed", response=DONE))
    assert [each["sequence_number"] for each in found] == [41, 42, 43]


def test_a_stream_that_tells_its_places_passes_to_the_byte() -> None:
    events = [
        event("created", response=BEGUN, sequence_number=0),
        event("output_item.added", item=SAID, output_index=3, sequence_number=1),
        event("output_text.delta", item_id="msg_1", delta="Well", output_index=3),
        event("output_item.done", item=SAID, output_index=3),
        event("completed", response=DONE | {"output": [SAID]}, sequence_number=4),
    ]
    out: list[bytes] = []
    reader = UsageReader(out.append, None)
    for each in events:
        reader.feed(each)
    reader.finish()
    assert out == events
