"""The order in which the events of a Responses stream may come, as recorded streams have it."""

from __future__ import annotations

from airouter.dialects.conversation import Json

ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
PAIRS = {
    "response.content_part.added": "response.content_part.done",
    "response.reasoning_summary_part.added": "response.reasoning_summary_part.done",
}
TEXTS = {
    "output_text": ("text", "output_text.done"),
    "refusal": ("refusal", "refusal.done"),
    "reasoning_summary_text": ("text", "reasoning_summary_text.done"),
    "function_call_arguments": ("arguments", "function_call_arguments.done"),
    "custom_tool_call_input": ("input", "custom_tool_call_input.done"),
    "code_interpreter_call_code": ("code", "code_interpreter_call_code.done"),
}
"""What grows in deltas, the field and the event in which it stands whole."""


def check_grammar(events: list[Json]) -> None:
    """Events that follow on each other, items one after the other, and one end after which nothing
    comes. A stream that fails may leave an item open, and says so by an `error` before its end."""
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    names = [event["type"] for event in events]
    if names == ["error"]:
        return
    assert names[:2] == ["response.created", "response.in_progress"]
    assert [name for name in names if name in ENDS] == names[-1:]
    failed = names[-1] == "response.failed"
    assert ("error" in names) == failed
    body = events[2:-1]
    if failed:
        assert body.pop()["type"] == "error"
    items = Items()
    for event in body:
        items.take(event)
    assert failed or (items.opened is None and items.part is None)
    check_end(events[-1]["response"], items, failed=failed)
    ids = {event["response"]["id"] for event in events if "response" in event}
    assert len(ids) == 1


def check_end(response: Json, items: Items, *, failed: bool) -> None:
    """The whole response has what was told of it."""
    assert response["status"] in {"completed", "incomplete", "failed"}
    assert (response["error"] is not None) == failed
    assert [item["id"] for item in response["output"]] == items.ids
    for item in response["output"][: len(items.done)]:
        assert item == items.done[item["id"]]
    assert len(set(items.ids)) == len(items.ids)


class Items:
    """What has been told so far."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.done: dict[str, Json] = {}
        self.opened: str | None = None
        self.part: str | None = None
        """The event that ends the part that is open."""
        self.pieces: list[str] = []

    def take(self, event: Json) -> None:
        """One event of an item."""
        name = event["type"]
        if name == "response.output_item.added":
            self.add(event)
            return
        assert event["output_index"] == len(self.ids) - 1
        if name == "response.output_item.done":
            self.end(event)
            return
        assert event["item_id"] == self.opened is not None
        if name in PAIRS:
            assert self.part is None
            self.part = PAIRS[name]
            self.pieces = []
        elif name == self.part:
            self.part = None
        else:
            self.grow(name.removeprefix("response."), event)

    def add(self, event: Json) -> None:
        """A new item, while none is open."""
        assert self.opened is None
        assert event["output_index"] == len(self.ids)
        self.opened = event["item"]["id"]
        self.ids.append(event["item"]["id"])
        self.pieces = []

    def end(self, event: Json) -> None:
        """The item is whole."""
        item = event["item"]
        assert item["id"] == self.opened
        assert self.part is None
        self.opened = None
        self.done[item["id"]] = item

    def grow(self, name: str, event: Json) -> None:
        """A delta, or all of what came in them."""
        kind, _, what = name.partition(".")
        if kind not in TEXTS:
            return
        field, whole = TEXTS[kind]
        if what == "delta":
            self.pieces.append(event["delta"])
        elif name == whole:
            assert event[field] == "".join(self.pieces)
