"""Items that a provider's own response breaks off in: their text is kept."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import Json
from airouter.dialects.framing import ServerSentEvents
from airouter.dialects.responses import open_items
from airouter.dialects.responses.usage import UsageReader
from airouter.failures import ended_early
from contract.services.stand_in import sse

CREATED: Json = {"id": "r", "object": "response", "status": "in_progress", "output": []}
MESSAGE: Json = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "in_progress",
    "content": [],
}
TEXT: Json = {"type": "output_text", "text": "", "annotations": []}
CALL: Json = {
    "id": "fc_1",
    "type": "function_call",
    "call_id": "c",
    "name": "f",
    "arguments": "",
    "status": "in_progress",
}
CUSTOM: Json = {"id": "ct_1", "type": "custom_tool_call", "call_id": "d", "name": "p", "input": ""}
THOUGHT: Json = {"id": "rs_1", "type": "reasoning", "summary": []}


def event(kind: str, at: int = 0, **fields: Any) -> bytes:
    name = f"response.{kind}"
    return sse({"type": name, "output_index": at, **fields}, name)


BEGUN = event("created", response=CREATED)
SAYING = (
    event("output_item.added", item=MESSAGE)
    + event("content_part.added", content_index=0, part=TEXT)
    + event("output_text.delta", content_index=0, delta="It ")
)
SAID: Json = {**MESSAGE, "status": "incomplete", "content": [{**TEXT, "text": "It rained."}]}
RAINED = event("output_text.delta", content_index=0, delta="rained.")


def last(*events: bytes, broken: bool = True) -> Json:
    """The response that a client hears of at the end."""
    out: list[bytes] = []
    reader = UsageReader(out.append, None)
    for each in events:
        reader.feed(each)
    if broken:
        reader.break_off(ended_early())
    frame = ServerSentEvents().feed(b"".join(out))[-1]
    response: Json = msgspec.json.decode(frame.data)["response"]
    return response


def test_the_text_of_a_message_that_broke_off_is_kept() -> None:
    response = last(BEGUN, SAYING, RAINED)
    assert (response["status"], response["output"]) == ("failed", [SAID])


@pytest.mark.parametrize(
    ("item", "events", "expected"),
    [
        (
            CALL,
            [event("function_call_arguments.delta", 1, delta='{"x'), event("what.is.new", 1)],
            {**CALL, "arguments": '{"x', "status": "incomplete"},
        ),
        (CALL, [], {**CALL, "status": "incomplete"}),
        (
            CUSTOM,
            [event("custom_tool_call_input.delta", 1, delta="ls")],
            {**CUSTOM, "input": "ls"},
        ),
        (
            THOUGHT,
            [
                event("reasoning_summary_part.added", 1, summary_index=0, part={"type": "s"}),
                event("reasoning_summary_text.delta", 1, summary_index=0, delta="Hm"),
            ],
            {**THOUGHT, "summary": [{"type": "s", "text": "Hm"}]},
        ),
        (
            MESSAGE,
            [
                event("content_part.added", 1, content_index=0, part={"type": "refusal"}),
                event("refusal.delta", 1, content_index=0, delta="No"),
            ],
            {
                **MESSAGE,
                "content": [{"type": "refusal", "refusal": "No"}],
                "status": "incomplete",
            },
        ),
    ],
)
def test_every_item_that_broke_off_is_kept_after_those_that_are_done(
    item: Json, events: list[bytes], expected: Json
) -> None:
    done: Json = {**MESSAGE, "status": "completed"}
    ended = SAYING + event("output_item.done", item=done)
    response = last(BEGUN, ended, event("output_item.added", 1, item=item), *events)
    assert response["output"] == [done, expected]


def test_a_failure_of_the_providers_own_keeps_what_came_before() -> None:
    failed = {**CREATED, "status": "failed", "error": {"code": "server_error", "message": "No."}}
    response = last(BEGUN, SAYING, RAINED, event("failed", response=failed), broken=False)
    assert response == {**failed, "output": [SAID]}


def test_an_item_that_its_provider_never_ends_is_whole_where_the_response_is() -> None:
    completed = {**CREATED, "status": "completed"}
    response = last(BEGUN, SAYING, RAINED, event("completed", response=completed), broken=False)
    assert response == {**completed, "output": [{**SAID, "status": "completed"}]}


def test_the_text_of_a_long_message_is_kept_from_its_beginning() -> None:
    words = [f"word{number} " for number in range(6_000)]
    deltas = [event("output_text.delta", content_index=0, delta=word) for word in words]
    assert sum(map(len, deltas)) > 600_000
    (item,) = last(BEGUN, SAYING, *deltas)["output"]
    assert item["content"][0]["text"] == "It " + "".join(words)


def parts(count: int) -> list[bytes]:
    return [event("content_part.added", content_index=at, part=TEXT) for at in range(count)]


def texts(count: int) -> list[bytes]:
    return [event("output_text.delta", content_index=at, delta="x") for at in range(count)]


@pytest.mark.parametrize(
    "events",
    [
        [event("output_text.delta", content_index=0, delta="x" * 20_000)],
        [event("output_item.added", at, item=MESSAGE) for at in range(100)],
        parts(100),
        texts(100),
    ],
    ids=["text", "items", "parts", "texts"],
)
def test_more_than_may_be_kept_is_not(events: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_items, "MOST_KEPT", 10_000)
    assert last(BEGUN, SAYING, RAINED)["output"] == [SAID]
    assert last(BEGUN, SAYING, *events)["output"] == []
