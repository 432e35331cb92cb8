"""The output items of a response, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Reasoning, Refusal, Text, ToolCall
from airouter.dialects.provenance import pack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import Citation, Json, Part


def output_of(parts: Sequence[Part], seed: str) -> list[Json]:
    """The items of an answer; neighbouring texts are one message."""
    items: list[Json] = []
    for part in parts:
        number = len(items)
        if isinstance(part, Text | Refusal):
            if not part.text:
                continue
            if not items or items[-1]["type"] != "message":
                items.append(message_item(item_id("msg", seed, number)))
            items[-1]["content"].append(content_of(part))
        elif isinstance(part, Reasoning):
            items.append(reasoning_item(part, item_id("rs", seed, number)))
        elif isinstance(part, ToolCall):
            if part.signature is not None:
                items.append(signing_item(part, item_id("rs", seed, number)))
            items.append(call_item(part, item_id("fc", seed, len(items))))
    return [item for item in items if item.get("content") != [] or item["type"] != "message"]


def item_id(prefix: str, seed: str, number: int) -> str:
    """An id that is the same whole and in a stream."""
    return f"{prefix}_{seed}{number:04d}"


def message_item(id_: str, status: str = "completed") -> Json:
    """A message without content yet."""
    return {"id": id_, "type": "message", "status": status, "role": "assistant", "content": []}


def content_of(part: Text | Refusal) -> Json:
    """A part of a message."""
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    return {
        "type": "output_text",
        "text": part.text,
        "annotations": [annotation_of(each, len(part.text)) for each in part.citations],
        "logprobs": list(part.logprobs or ()),
    }


def annotation_of(citation: Citation, end: int) -> Json:
    """A source: a page of the web, or a file."""
    if citation.url is not None:
        return {
            "type": "url_citation",
            "start_index": citation.start or 0,
            "end_index": end if citation.end is None else citation.end,
            "url": citation.url,
            "title": citation.title or "",
        }
    return {
        "type": "file_citation",
        "file_id": "",
        "filename": citation.title or "",
        "index": citation.document or 0,
    }


def reasoning_item(part: Reasoning, id_: str) -> Json:
    """What the model thought, and what its provider wants back of it."""
    texts = part.summary or ((part.text,) if part.text else ())
    return {
        "id": id_,
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text} for text in texts],
        "encrypted_content": pack([part]) if part.signature is not None else None,
    }


def signing_item(call: ToolCall, id_: str) -> Json:
    """What a provider wants back of a call, as a reasoning without words."""
    signed = msgspec.structs.replace(call, arguments="")
    return {"id": id_, "type": "reasoning", "summary": [], "encrypted_content": pack([signed])}


def call_item(part: ToolCall, id_: str, status: str = "completed") -> Json:
    """A call of a tool."""
    if part.custom:
        return {
            "id": id_.replace("fc_", "ctc_"),
            "type": "custom_tool_call",
            "status": status,
            "call_id": part.id,
            "name": part.name,
            "input": part.arguments,
        }
    return {
        "id": id_,
        "type": "function_call",
        "status": status,
        "call_id": part.id,
        "name": part.name,
        "arguments": part.arguments,
    }
