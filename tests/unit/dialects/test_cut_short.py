"""Streams that the router ends itself, as one that has reached its length: what clients read."""

from __future__ import annotations

import json
from typing import Any

from airouter.dialects.chat.usage import UsageHider
from airouter.dialects.chat.usage import UsageReader as ChatReader
from airouter.dialects.messages.usage import UsageReader as MessagesReader
from airouter.dialects.responses.usage import UsageReader as ResponsesReader


def event(name: str = "", **fields: Any) -> bytes:
    """A server-sent event, with a name if it has a type."""
    head = f"event: {name}\n".encode() if name else b""
    body = {"type": name, **fields} if name else fields
    return head + b"data: " + json.dumps(body).encode() + b"\n\n"


def read(stream: bytes) -> list[dict[str, Any]]:
    """The events of a stream that are objects."""
    lines = [line.removeprefix(b"data: ") for line in stream.split(b"\n")]
    return [json.loads(line) for line in lines if line.startswith(b"{")]


def chunk(text: str, index: int = 0) -> bytes:
    choices = [{"index": index, "delta": {"content": text}, "finish_reason": None}]
    return event(id="c-1", object="chat.completion.chunk", created=1, model="m", choices=choices)


def test_a_chat_ends_with_a_chunk_like_those_before_it() -> None:
    for kind in (ChatReader, UsageHider):
        out: list[bytes] = []
        stream = kind(out.append)
        stream.feed(chunk("Hel") + chunk("lo"))
        stream.cut_short()
        assert out[-1].endswith(b"data: [DONE]\n\n")
        last = read(b"".join(out))[-1]
        assert last["choices"] == [{"index": 0, "delta": {}, "finish_reason": "length"}]
        assert (last["id"], last["model"]) == ("c-1", "m")


def test_a_completion_ends_with_an_empty_text() -> None:
    out: list[bytes] = []
    stream = ChatReader(out.append)
    stream.feed(event(id="c-1", object="text_completion", choices=[{"index": 0, "text": "Hi"}]))
    stream.cut_short()
    assert read(b"".join(out))[-1]["choices"] == [
        {"index": 0, "text": "", "finish_reason": "length"}
    ]


def test_a_message_ends_with_its_open_block() -> None:
    out: list[bytes] = []
    stream = MessagesReader(out.append)
    stream.feed(event("message_start", message={"usage": {"input_tokens": 3, "output_tokens": 1}}))
    stream.feed(event("content_block_start", index=0, content_block={"type": "text", "text": ""}))
    stream.feed(event("content_block_stop", index=0))
    stream.feed(event("content_block_start", index=1, content_block={"type": "text", "text": ""}))
    stream.feed(event("content_block_delta", index=1, delta={"type": "text_delta", "text": "Hi"}))
    stream.cut_short()
    stop, delta, end = read(b"".join(out))[-3:]
    assert stop == {"type": "content_block_stop", "index": 1}
    assert delta["delta"] == {"stop_reason": "max_tokens", "stop_sequence": None}
    assert end == {"type": "message_stop"}


def test_a_message_between_two_blocks_ends_none_of_them_twice() -> None:
    out: list[bytes] = []
    stream = MessagesReader(out.append)
    stream.feed(event("message_start", message={}))
    stream.feed(event("content_block_start", index=0, content_block={"type": "text", "text": ""}))
    stream.feed(event("content_block_stop", index=0))
    stream.cut_short()
    assert [each["type"] for each in read(b"".join(out))].count("content_block_stop") == 1


def test_a_response_ends_as_incomplete_with_the_items_that_are_done() -> None:
    out: list[bytes] = []
    stream = ResponsesReader(out.append, None)
    begun = {"id": "resp_1", "status": "in_progress", "output": []}
    item = {"id": "msg_1", "type": "message"}
    stream.feed(event("response.created", sequence_number=0, response=begun))
    stream.feed(event("response.output_item.done", sequence_number=1, output_index=0, item=item))
    stream.feed(event("response.output_text.delta", sequence_number=2, delta="Hi"))
    stream.cut_short()
    last = read(b"".join(out))[-1]
    assert (last["type"], last["sequence_number"]) == ("response.incomplete", 3)
    assert last["response"]["status"] == "incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert last["response"]["output"] == [item]
