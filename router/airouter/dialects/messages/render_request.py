"""From a conversation to the body of a messages request, in version 2023-06-01.

Rules of the models are in `dialects/claude/`; turns and tools have modules of their own here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.claude.answers import check_answer
from airouter.dialects.claude.models import Traits, traits_of
from airouter.dialects.claude.sampling import check_sampling, taken_sampling
from airouter.dialects.claude.structured import (
    JSON_ONLY,
    answer_schema,
    wants_any_json,
    wants_schema,
)
from airouter.dialects.claude.thinking import fitted_thinking
from airouter.dialects.conversation import Unsupported
from airouter.dialects.messages.render_tools import answers_by_tool, is_held, tool_fields
from airouter.dialects.messages.render_turns import NAME, messages_of, placed, system_blocks
from airouter.dialects.tools import with_chosen_tools
from airouter.dialects.turns import (
    check_asked,
    folded,
    leading,
    merged,
    told_to_go_on,
    with_trimmed_prefill,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import Conversation, Destination, Format, Json, Turn

TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}

_encoder = msgspec.json.Encoder()


def render_request(conversation: Conversation, destination: Destination) -> bytes:
    """Return the body, model included.

    Raises `Unsupported`, and `Failure` 400 for calls that cannot be read.
    """
    return _encoder.encode(body_of(conversation, destination))


def body_of(conversation: Conversation, destination: Destination) -> dict[str, Any]:
    """Return the body before it is encoded, absent fields left out."""
    traits = traits_of(destination.model)
    refuse(conversation)
    conversation = with_chosen_tools(conversation)
    instructions, turns = leading(conversation.turns)
    turns = merged(placed(turns) if traits.system_messages else folded(turns))
    check_asked(turns)
    if not traits.prefills and conversation.dialect != NAME:
        turns = told_to_go_on(turns)
    body: dict[str, Any] = {
        "model": destination.model,
        "max_tokens": ceiling(conversation, destination, traits),
        "messages": messages_of(with_trimmed_prefill(turns), destination.maker),
    }
    system = system_blocks(instructions)
    if wants_any_json(conversation.format):
        system.append({"type": "text", "text": JSON_ONLY})
    optional = {
        "system": system or None,
        "stop_sequences": conversation.stop or None,
        **taken_sampling(conversation.sampling, traits),
        **tool_fields(conversation, turns, traits),
        **hint_fields(conversation),
    }
    # Not by truth: a temperature of 0 is one.
    body |= {name: value for name, value in optional.items() if value is not None}
    if conversation.thinking is not None:
        add_thinking(body, conversation, destination, traits, turns)
    add_format(body, conversation.format, traits)
    if conversation.stream:
        body["stream"] = True
    if conversation.dialect == NAME:
        body |= conversation.extensions | conversation.hints.native
    return body


def ceiling(conversation: Conversation, destination: Destination, traits: Traits) -> int:
    """Return the tokens that an answer may have; 0, from a client, only warms the cache."""
    if conversation.max_tokens is not None:
        return conversation.max_tokens
    return destination.max_output_tokens or traits.max_tokens


def refuse(conversation: Conversation) -> None:
    """Raise `Unsupported` for what a messages request has no field for."""
    if conversation.dialect != NAME and conversation.extensions:
        raise Unsupported(next(iter(conversation.extensions)), "does not know this field")
    check_sampling(conversation.sampling)
    check_answer(conversation)
    if any(not stop.strip() for stop in conversation.stop):
        raise Unsupported("stop", "takes no stop sequence of white space")


def hint_fields(conversation: Conversation) -> Json:
    """Return the hints that Anthropic has a field for."""
    hints = conversation.hints
    user = hints.user or hints.safety_identifier
    tier = TIERS.get(hints.service_tier or "")
    return {"metadata": {"user_id": user} if user else None, "service_tier": tier}


def add_thinking(
    body: dict[str, Any],
    conversation: Conversation,
    destination: Destination,
    traits: Traits,
    turns: Sequence[Turn],
) -> None:
    """Ask for thinking, where that goes with the rest. Raises `Unsupported`."""
    fields = fitted_thinking(
        conversation,
        destination,
        traits,
        turns,
        most=body["max_tokens"],
        answers_by_tool=answers_by_tool(conversation, traits),
    )
    budget = fields.get("thinking", {}).get("budget_tokens", 0)
    if budget >= body["max_tokens"] and conversation.max_tokens is None:
        body["max_tokens"] += budget  # the client chose the budget, and no length
    body |= fields


def add_format(body: dict[str, Any], wanted: Format | None, traits: Traits) -> None:
    """Hold the answer to a schema, where the model can be."""
    if wanted is not None and wants_schema(wanted) and is_held(wanted, traits):
        config = body.setdefault("output_config", {})
        config["format"] = {"type": "json_schema", "schema": answer_schema(wanted)}
