"""From an answer to a whole chat completion.

Chat completions have no field for a signature, and providers want theirs back beside the calls that
the reasoning led to. So it travels in the ids of those calls (`provenance.py`), the one thing that
every client returns unchanged. The text of it can be read as `reasoning_content`, the name that
open-weight servers gave it.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.chat.render_request import TIERS
from airouter.dialects.conversation import (
    Audio,
    Image,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from airouter.dialects.openai_usage import render_chat_usage
from airouter.dialects.provenance import pack_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import (
        Answer,
        Choice,
        Citation,
        Conversation,
        Json,
        Part,
        Stop,
    )

TOOL_CALLS, FUNCTION_CALL = "tool_calls", "function_call"
FINISH_REASONS: dict[Stop, str] = {
    "end": "stop",
    "stop_sequence": "stop",
    "pause": "stop",
    "length": "length",
    "context_window": "length",
    "tool_calls": TOOL_CALLS,
    "refusal": "content_filter",
    "content_filter": "content_filter",
}

INSTEAD_OF_TEXT = frozenset({"tool_calls", "audio"})
STANDARD = "standard"
"""Anthropic's name of OpenAI's default tier."""

_encoder = msgspec.json.Encoder()


def render_response(answer: Answer, conversation: Conversation) -> bytes:
    """Return the body of a chat completion."""
    choices = [choice_of(choice) for choice in answer.choices]
    if conversation.legacy_functions:
        choices = list(map(with_function_call, choices))
    body = {
        "id": completion_id(answer.id),
        "object": "chat.completion",
        "created": answer.created or int(time.time()),
        "model": answer.model,
        "choices": choices,
        "usage": None if answer.usage is None else render_chat_usage(answer.usage),
        "service_tier": tier_of(answer.service_tier),
        "system_fingerprint": None,
    }
    return _encoder.encode(body)


def completion_id(id_: str) -> str:
    """Return an id that begins as OpenAI's do, also for providers that give none."""
    id_ = id_ or secrets.token_hex(12)
    return id_ if id_.startswith("chatcmpl-") else f"chatcmpl-{id_}"


def tier_of(tier: str | None) -> str | None:
    """Return the tier in OpenAI's words; None for one that OpenAI does not have."""
    found = "default" if tier == STANDARD else tier
    return found if found in TIERS else None


def choice_of(choice: Choice) -> Json:
    """Return one choice."""
    return {
        "index": choice.index,
        "message": message_of(choice.parts),
        "logprobs": logprobs_of(choice.parts),
        "finish_reason": FINISH_REASONS[choice.stop],
    }


def with_function_call(choice: Json) -> Json:
    """Return a choice as clients read it that do not know tools."""
    message = dict(choice["message"])
    calls = message.pop("tool_calls", ())
    if not calls:
        return choice
    message["function_call"] = calls[0]["function"]
    return choice | {"message": message, "finish_reason": legacy_reason(choice["finish_reason"])}


def legacy_reason(reason: str) -> str:
    """Return a reason to stop, as it was before tools."""
    return FUNCTION_CALL if reason == TOOL_CALLS else reason


def message_of(parts: Sequence[Part]) -> Json:
    """Return the model's message."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(part.text for part in parts if isinstance(part, Text)),
        "refusal": "".join(part.text for part in parts if isinstance(part, Refusal)) or None,
        "annotations": annotations_of(parts),
        "tool_calls": calls_of(parts),
        "reasoning_content": "\n\n".join(filter(None, map(thought_of, parts))),
        "images": [image_of(part) for part in parts if isinstance(part, Image)],
        "audio": next((audio_of(part) for part in parts if isinstance(part, Audio)), None),
    }
    for name in ("tool_calls", "reasoning_content", "images", "audio"):
        if not message[name]:
            del message[name]
    if not message["content"] and (message.keys() & INSTEAD_OF_TEXT or message["refusal"]):
        message["content"] = None  # without anything in its place OpenAI refuses that in a history
    return message


def thought_of(part: Part) -> str:
    """Return the readable text of a reasoning; empty for another part."""
    if not isinstance(part, Reasoning):
        return ""
    return part.text or "\n\n".join(part.summary)


def calls_of(parts: Sequence[Part]) -> list[Json]:
    """Return the calls, each with the reasoning before it packed in its id."""
    calls = []
    reasoning: list[Reasoning] = []
    for part in parts:
        if isinstance(part, Reasoning) and part.signature is not None:
            reasoning.append(part)
        elif isinstance(part, ToolCall):
            calls.append(call_of(part, packed_id(reasoning, part)))
            reasoning = []
    return calls


def packed_id(reasoning: Sequence[Reasoning], call: ToolCall) -> str:
    """Return the id of a call, with the signatures that its provider wants back."""
    signed = [] if call.signature is None else [msgspec.structs.replace(call, arguments="")]
    return call.id + pack_parts([*reasoning, *signed])


def call_of(part: ToolCall, id_: str) -> Json:
    """Return a call of a tool."""
    if part.custom:
        custom = {"name": part.name, "input": part.arguments}
        return {"id": id_, "type": "custom", "custom": custom}
    function = {"name": part.name, "arguments": part.arguments}
    return {"id": id_, "type": "function", "function": function}


def annotations_of(parts: Sequence[Part]) -> list[Json]:
    """Return the sources of the text, their places counted in the whole of it."""
    found = []
    offset = 0
    for part in parts:
        if isinstance(part, Text):
            end = offset + len(part.text)
            found += [annotation_of(citation, offset, end) for citation in part.citations]
            offset = end
    return found


def annotation_of(citation: Citation, offset: int, end: int) -> Json:
    """Return a source. Chat cites URLs alone; documents take the form of its files."""
    start = offset if citation.start is None else offset + citation.start
    end = end if citation.end is None else offset + citation.end
    if citation.url is not None:
        where = {
            "start_index": start,
            "end_index": end,
            "url": citation.url,
            "title": citation.title or "",
        }
        return {"type": "url_citation", "url_citation": where}
    source = {
        "start_index": start,
        "end_index": end,
        "index": citation.document,
        "filename": citation.title,
        "quote": citation.quote,
    }
    return {"type": "file_citation", "file_citation": source}


def logprobs_of(parts: Sequence[Part]) -> Json | None:
    """Return the log probabilities of the text."""
    tokens = [token for part in parts if isinstance(part, Text) for token in part.logprobs or ()]
    return {"content": tokens, "refusal": None} if tokens else None


def image_of(part: Image) -> Json:
    """Return an image that the model drew, in the field that other routers use, too."""
    media = part.media
    url = media.url or f"data:{media.media_type};base64,{media.data}"
    return {"type": "image_url", "image_url": {"url": url}}


def audio_of(part: Audio) -> Json:
    """Return the model's speech."""
    return {
        "id": part.id or "",
        "data": part.data or "",
        "expires_at": part.expires_at or 0,
        "transcript": part.transcript or "",
    }
