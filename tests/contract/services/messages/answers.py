"""What the strict Anthropic answers, whole and as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from contract.services.stand_in import Body, Turn, merged, sse

STOPS = {
    "end": "end_turn",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "refusal": "refusal",
    "content_filter": "refusal",
    "fault": "end_turn",
}
CITATION = {
    "type": "char_location",
    "cited_text": "The grass is green.",
    "document_index": 0,
    "document_title": "Colours",
    "start_char_index": 0,
    "end_char_index": 19,
    "file_id": None,
}


class Signatures:
    """What this service has signed."""

    def __init__(self) -> None:
        self._issued: dict[str, str] = {}

    def issue(self, text: str) -> str:
        value = f"c2lnbmF0dXJl{len(self._issued):04d}/+=="
        self._issued[value] = text
        return value

    def holds(self, value: str, text: str) -> bool:
        return self._issued.get(value) == text


def content_of(turn: Turn, body: Body, signatures: Signatures) -> list[Body]:
    """The blocks of an answer."""
    blocks: list[Body] = []
    if turn.redacted:
        blocks.append({"type": "redacted_thinking", "data": signatures.issue("(redacted)")})
    if turn.thinking is not None:
        signature = signatures.issue(turn.thinking)
        blocks.append({"type": "thinking", "thinking": turn.thinking, "signature": signature})
    text = turn.text if turn.text is not None or turn.calls else echo(body)
    if text:
        citations = [CITATION] if turn.cited else None
        blocks.append({"type": "text", "text": text, "citations": citations})
    for number, call in enumerate(turn.calls):
        name = {"id": f"toolu_{number}A", "name": call.name, "input": call.arguments}
        blocks.append({"type": "tool_use", **name})
    return blocks


def echo(body: Body) -> str:
    """What the user said last."""
    for turn in reversed(merged(body["messages"], "content")):
        texts = [block["text"] for block in turn["content"] if block.get("type") == "text"]
        if turn["role"] == "user" and texts:
            return " ".join(texts)
    return "Well."


def usage_of(turn: Turn) -> Body:
    """Cached tokens are counted apart."""
    return {
        "input_tokens": turn.input_tokens - turn.cached_tokens - turn.written_tokens,
        "cache_read_input_tokens": turn.cached_tokens,
        "cache_creation_input_tokens": turn.written_tokens,
        "output_tokens": turn.output_tokens,
        "output_tokens_details": {"thinking_tokens": turn.thinking_tokens},
        "service_tier": "standard",
    }


def stop_of(turn: Turn, body: Body) -> tuple[str, str | None]:
    """Why it stopped, and at which sequence."""
    if turn.stop == "end" and turn.calls:
        return "tool_use", None
    sequence = body["stop_sequences"][0] if turn.stop == "stop_sequence" else None
    return STOPS[turn.stop], sequence


def whole(turn: Turn, body: Body, model: str, signatures: Signatures) -> Body:
    """A message."""
    reason, sequence = stop_of(turn, body)
    return {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content_of(turn, body, signatures),
        "stop_reason": reason,
        "stop_sequence": sequence,
        "usage": usage_of(turn),
    }


def events(turn: Turn, body: Body, model: str, signatures: Signatures) -> Iterator[bytes]:
    """The same as a stream, with a ping in the middle."""
    message = whole(turn, body, model, signatures)
    usage = message["usage"]
    start = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    start["usage"] = {**usage, "output_tokens": 1}
    yield event("message_start", message=start)
    yield event("ping")
    for index, block in enumerate(message["content"]):
        begun, deltas = pieces(block)
        yield event("content_block_start", index=index, content_block=begun)
        for delta in deltas:
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
    yield event("message_delta", delta=delta, usage={"output_tokens": usage["output_tokens"]})
    yield event("message_stop")


def pieces(block: Body) -> tuple[Body, list[Body]]:
    """How a block begins, and its deltas."""
    kind = block["type"]
    if kind == "text":
        deltas: list[Body] = [
            {"type": "text_delta", "text": each} for each in halves(block["text"])
        ]
        for citation in block["citations"] or ():
            deltas.append({"type": "citations_delta", "citation": citation})
        return {"type": "text", "text": ""}, deltas
    if kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": e} for e in halves(block["thinking"])]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return {"type": "thinking", "thinking": "", "signature": ""}, deltas
    if kind == "tool_use":
        texts = ["", *halves(json.dumps(block["input"]))]
        deltas = [{"type": "input_json_delta", "partial_json": each} for each in texts]
        return {**block, "input": {}}, deltas
    return block, []


def halves(text: str) -> list[str]:
    """A text in two pieces."""
    middle = len(text) // 2
    return [piece for piece in (text[:middle], text[middle:]) if piece]


def event(name: str, **fields: Any) -> bytes:
    """One event."""
    return sse({"type": name, **fields}, name)
