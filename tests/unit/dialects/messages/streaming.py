"""A stream of Anthropic's, as the tests of its reader and of its writer have it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from airouter.dialects.assembly import Assembly
from airouter.dialects.conversation import Answer, Destination, Json
from airouter.dialects.events import Event
from airouter.dialects.messages import UPSTREAM
from unit.dialects.messages.asking import HERE, SONNET, response

CITATION: Json = {
    "type": "char_location",
    "cited_text": "rain",
    "document_index": 0,
    "document_title": None,
    "file_id": None,
    "start_char_index": 3,
    "end_char_index": 7,
}
THOUGHT: Json = {"type": "thinking", "thinking": "Grüße 🎉 an\u2028alle", "signature": "c2lnbmVk"}
HIDDEN: Json = {"type": "redacted_thinking", "data": "aGlk"}
SEARCH: Json = {
    "type": "server_tool_use",
    "id": "s1",
    "name": "web_search",
    "input": {"query": "ö"},
}
FOUND: Json = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}
SAID: Json = {"type": "text", "text": "Es «regnete» 🌧", "citations": [CITATION]}
USE: Json = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Zürich"}}
COMPACTION: Json = {
    "type": "compaction",
    "content": "They spoke of rain.",
    "encrypted_content": "c2VhbGVk",
}
BARE: Json = {"type": "tool_use", "id": "toolu_2", "name": "time", "input": {}}
COUNTS: Json = {
    "input_tokens": 9,
    "cache_read_input_tokens": 3,
    "cache_creation_input_tokens": 2,
    "output_tokens": 1,
}
EMPTY: dict[str, Json] = {
    "compaction": {"content": None, "encrypted_content": None},
    "thinking": {"thinking": "", "signature": ""},
    "text": {"text": "", "citations": None},
    "tool_use": {"input": {}},
    "server_tool_use": {"input": {}},
}


def event(name: str, **fields: Any) -> bytes:
    data = msgspec.json.encode({"type": name, **fields})
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


def deltas_of(block: Json) -> list[Json]:
    """What comes after the beginning of a block, text in two pieces."""
    match block["type"]:
        case "thinking":
            thought = block["thinking"]
            return [
                *({"type": "thinking_delta", "thinking": each} for each in halves(thought)),
                {"type": "signature_delta", "signature": block["signature"]},
            ]
        case "compaction":
            summary, none = halves(block["content"]), dict.fromkeys(EMPTY["compaction"])
            grown = [none, *({**none, "content": each} for each in summary)]
            grown[1]["encrypted_content"] = block["encrypted_content"]
            return [{"type": "compaction_delta", **each} for each in grown]
        case "text":
            cited = ({"type": "citations_delta", "citation": each} for each in block["citations"])
            return [
                *({"type": "text_delta", "text": each} for each in halves(block["text"])),
                *cited,
            ]
        case "tool_use" | "server_tool_use":
            given = msgspec.json.encode(block["input"]).decode() if block["input"] else ""
            pieces = ("", *halves(given)) if given else ("",)
            return [{"type": "input_json_delta", "partial_json": each} for each in pieces]
    return []


def halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def block_of(at: int, block: Json) -> bytes:
    begun = {**block, **EMPTY.get(block["type"], {})}
    deltas = (event("content_block_delta", index=at, delta=each) for each in deltas_of(block))
    start = event("content_block_start", index=at, content_block=begun)
    return start + b"".join(deltas) + event("content_block_stop", index=at)


def start(**more: Any) -> bytes:
    message = {**response(reason=""), "stop_reason": None, "usage": COUNTS, **more}
    return event("message_start", message=message)


def end(reason: str = "tool_use") -> bytes:
    delta = {"stop_reason": reason, "stop_sequence": None}
    cost = {"output_tokens": 7, "output_tokens_details": {"thinking_tokens": 4}}
    return event("message_delta", delta=delta, usage=cost) + event("message_stop")


def streamed(*blocks: Json, reason: str = "tool_use") -> bytes:
    """The stream that a whole message would have been."""
    ping = event("ping")
    return start() + ping + b"".join(block_of(*each) for each in enumerate(blocks)) + end(reason)


ALL = (THOUGHT, HIDDEN, SEARCH, FOUND, SAID, USE, BARE)
STREAM = streamed(*ALL)


def events_in(*pieces: bytes) -> list[Event]:
    framing, parser = (
        UPSTREAM.framing(),
        UPSTREAM.stream_parser(Destination(model=SONNET, maker=HERE)),
    )
    found = [
        each for piece in pieces for frame in framing.feed(piece) for each in parser.feed(frame)
    ]
    return [*found, *parser.finish()]


def assembled(events: Iterable[Event]) -> Answer:
    assembly = Assembly()
    for each in events:
        assembly.feed(each)
    assert assembly.failure is None
    return assembly.answer()
