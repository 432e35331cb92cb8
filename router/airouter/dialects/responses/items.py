"""The output items of a whole response."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import (
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
)
from airouter.dialects.provenance import pack_parts
from airouter.dialects.responses.event_writer import item_id
from airouter.dialects.responses.hosted import hosted_call
from airouter.dialects.responses.image_item import PREFIX, image_item
from airouter.dialects.responses.local_tools import BY_ITEM, local_item

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airouter.dialects.conversation import Citation, Conversation, Json, Part
    from airouter.dialects.responses.hosted import HostedCall


def answer_items(  # noqa: C901  # a line for each
    parts: Sequence[Part], seed: str, tools: Mapping[str, Tool]
) -> list[Json]:
    """Return the items of an answer; neighbouring texts are one message. `tools` are by name."""
    items: list[Json] = []
    running: HostedCall | None = None
    for part in parts:
        if isinstance(part, Text | Refusal):
            if part.text:
                if not items or items[-1]["type"] != "message":
                    items.append(message_item(item_id("msg", seed, len(items))))
                items[-1]["content"].append(content_of(part))
        elif isinstance(part, Reasoning):
            items.append(reasoning_item(part, item_id("rs", seed, len(items))))
        elif isinstance(part, ToolCall):
            items.extend(call_items(part, seed, len(items), tools.get(part.name)))
        elif isinstance(part, Opaque):
            # A result belongs to the call right before it.
            if running and running.item["id"] == items[-1]["id"] and running.is_answered_by(part):
                items[-1] = running.ended(part)
                running = None
                continue
            begun = hosted_call(part, partial(item_id, seed=seed, number=len(items)))
            if begun is not None:
                items.append(begun.ended(None))
                running = begun
        elif isinstance(part, Image):
            items.append(image_item(part, item_id(PREFIX, seed, len(items))))
    return items


def tools_by_name(conversation: Conversation) -> dict[str, Tool]:
    """Return the client's tools by the names that their provider knows."""
    return {tool.name: tool for tool in conversation.tools if isinstance(tool, Tool)}


def message_item(id_: str, status: str = "completed") -> Json:
    """Return a message without content yet."""
    return {"id": id_, "type": "message", "status": status, "role": "assistant", "content": []}


def content_of(part: Text | Refusal) -> Json:
    """Return a part of a message."""
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    return {
        "type": "output_text",
        "text": part.text,
        "annotations": [annotation_of(each, len(part.text)) for each in part.citations],
        "logprobs": logprobs_of(part.logprobs),
    }


def logprobs_of(tokens: Sequence[Json] | None) -> list[Json]:
    """Return log probabilities; each token has its bytes here, which chat may leave out."""
    return [
        token_of(token) | {"top_logprobs": list(map(token_of, others_of(token)))}
        for token in tokens or ()
    ]


def others_of(token: Json) -> Iterator[Json]:
    """Yield the likeliest tokens for the place of one."""
    others = token.get("top_logprobs")
    if isinstance(others, list):
        yield from (other for other in others if isinstance(other, dict))


def token_of(token: Json) -> Json:
    """Return one token with its log probability."""
    text = str(token.get("token") or "")
    given = token.get("bytes")
    return {
        "token": text,
        "bytes": list(text.encode(errors="replace")) if given is None else given,
        "logprob": token.get("logprob") or 0.0,
    }


def annotation_of(citation: Citation, end: int) -> Json:
    """Return a source: a page of the web, or a file. One without a place is of all the text."""
    end = end if citation.end is None else citation.end
    if citation.url is not None:
        return {
            "type": "url_citation",
            "start_index": citation.start or 0,
            "end_index": end,
            "url": citation.url,
            "title": citation.title or "",
        }
    return {
        "type": "file_citation",
        "file_id": "",
        "filename": citation.title or "",
        "index": end,
    }


def reasoning_item(part: Reasoning, id_: str) -> Json:
    """Return the readable thoughts of the model, with the signature packed in.

    Those without one are marked, too: OpenAI itself would look for them among its own items.
    """
    texts = part.summary or ((part.text,) if part.text else ())
    signed = pack_parts([part]) if part.signature is not None else ""
    return begun_reasoning(id_) | {
        "summary": [{"type": "summary_text", "text": text} for text in texts],
        "encrypted_content": signed or pack_parts([Reasoning()]),
    }


def begun_reasoning(id_: str) -> Json:
    """Return a reasoning of which nothing is known yet."""
    return {"id": id_, "type": "reasoning", "summary": []}


def signing_item(call: ToolCall, id_: str) -> Json:
    """Return the signature of a call, as a reasoning without words."""
    signed = msgspec.structs.replace(call, arguments="")
    return begun_reasoning(id_) | {"encrypted_content": pack_parts([signed])}


def call_items(part: ToolCall, seed: str, number: int, tool: Tool | None) -> Iterator[Json]:
    """Yield a call, after its signature."""
    if part.signature is not None:
        yield signing_item(part, item_id("rs", seed, number))
        number += 1
    yield call_item(part, item_id(call_prefix(part, tool), seed, number), tool)


def call_prefix(part: ToolCall, tool: Tool | None) -> str:
    """Return the beginning of the id of a call's item."""
    if part.custom:
        return "ctc"
    return BY_ITEM[tool.item].prefix if tool is not None and tool.item is not None else "fc"


def call_item(
    part: ToolCall, id_: str, tool: Tool | None = None, status: str = "completed"
) -> Json:
    """Return a call, in the form and by the name that the client knows."""
    if tool is not None and tool.item is not None:
        return local_item(part, tool.item, id_, status)
    kind, field = ("custom_tool_call", "input") if part.custom else ("function_call", "arguments")
    name = tool.known_as if tool is not None and tool.known_as is not None else part.name
    item = {
        "id": id_,
        "type": kind,
        "status": status,
        "call_id": part.id,
        "name": name,
        field: part.arguments,
    }
    if tool is not None and tool.namespace is not None:
        item["namespace"] = tool.namespace
    return item
