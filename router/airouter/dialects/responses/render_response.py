"""From an answer to a whole response, always with its full set of fields."""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.openai_usage import render_responses_usage
from airouter.dialects.responses.event_writer import cut_off
from airouter.dialects.responses.items import answer_items, tools_by_name

if TYPE_CHECKING:
    from airouter.dialects.conversation import Answer, Conversation, Json, Stop, Usage

INCOMPLETE: dict[Stop, str] = {
    "length": "max_output_tokens",
    "context_window": "max_output_tokens",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "max_output_tokens",
}
"""Reasons for an incomplete response."""


def render_response(answer: Answer, conversation: Conversation) -> bytes:
    """Return the body. Of several choices the first counts: no request asks for more."""
    choice = answer.choices[0]
    seed = seed_of(conversation, answer.id)
    created = answer.created or int(time.time())
    body = response_object(conversation, seed, answer.model, created)
    output = answer_items(choice.parts, seed, tools_by_name(conversation))
    if output and choice.stop in INCOMPLETE:
        output[-1] = cut_off(output[-1])
    body |= ending_fields(choice.stop, answer.usage, output)
    return msgspec.json.encode(body)


def seed_of(conversation: Conversation, id_: str) -> str:
    """Return the part that all ids share: of the response's own id, else made of the provider's."""
    if conversation.answer_id is not None:
        return conversation.answer_id.removeprefix("resp_")
    return hashlib.sha256(id_.encode()).hexdigest()[:32] if id_ else secrets.token_hex(16)


def response_object(conversation: Conversation, seed: str, model: str, created: int) -> Json:
    """Return a response that has only begun."""
    return {
        "id": f"resp_{seed}",
        "object": "response",
        "created_at": created,
        "completed_at": None,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "usage": None,
        **conversation.echo,
    }


def ending_fields(stop: Stop, usage: Usage | None, output: list[Json]) -> Json:
    """Return the fields of a response that is over."""
    reason = INCOMPLETE.get(stop)
    return {
        "status": "incomplete" if reason else "completed",
        "completed_at": None if reason else int(time.time()),
        "incomplete_details": {"reason": reason} if reason else None,
        "output": output,
        "usage": None if usage is None else render_responses_usage(usage),
    }
