"""From a conversation to the body of Converse; the model is in the path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.claude.answers import check_answer
from airouter.dialects.claude.betas import BEDROCK_BETAS, taken_betas
from airouter.dialects.claude.structured import (
    JSON_ONLY,
    UNHELD,
    answer_schema,
    wants_any_json,
    wants_map,
    wants_recursion,
    wants_schema,
)
from airouter.dialects.claude.tool_choice import called_tools, forbids_calls
from airouter.dialects.conversation import Unsupported
from airouter.dialects.converse.families import family_fields, family_sampling, takes_schemas
from airouter.dialects.converse.models import Traits, traits_of
from airouter.dialects.converse.render_tools import tool_config
from airouter.dialects.converse.render_turns import Messages, system_blocks
from airouter.dialects.media import urls_in
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

    from airouter.dialects.conversation import (
        Conversation,
        Destination,
        Format,
        Json,
        Turn,
    )

METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")
TIERS = frozenset({"priority", "default", "flex"})
NO_TOOLS = "Do not call any tool. Answer in text."
MOST_METADATA = 16
ROOM = 8_192
"""Tokens for the answer itself, beside a budget for thinking, where a client says nothing."""

_encoder = msgspec.json.Encoder()


def render_request(conversation: Conversation, destination: Destination) -> bytes:
    """Return the body. Raises `Unsupported`, and `Failure` 400 for calls that cannot be read."""
    return _encoder.encode(body_of(conversation, destination))


def fetches(conversation: Conversation) -> list[str]:
    """Return the URLs that are not at S3: Bedrock takes any other media as bytes."""
    return urls_in(conversation, lambda _part, url: not url.startswith("s3://"))


def body_of(conversation: Conversation, destination: Destination) -> dict[str, Any]:
    """Return the body before it is encoded, absent fields left out."""
    traits = traits_of(destination.model)
    refuse(conversation, traits)
    conversation = with_chosen_tools(conversation)
    instructions, rest = leading(conversation.turns)
    turns = merged(folded(rest))
    check_asked(turns)
    if not traits.prefills:
        turns = told_to_go_on(turns)
    sampling = family_sampling(conversation.sampling, traits)
    extra = family_fields(conversation, destination, traits, turns, sampling)
    betas = taken_betas(conversation.betas, BEDROCK_BETAS)
    if betas and traits.claude is not None:
        extra["anthropic_beta"] = betas
    effort = extra.pop("output_config", {})  # Converse's own field, which clashes with it
    body = {
        "system": [*system_blocks(instructions, traits), *notes_of(conversation, turns)],
        "messages": Messages(destination.maker, traits).of(with_trimmed_prefill(turns)),
        "inferenceConfig": inference_config(conversation, extra, traits, sampling),
        "toolConfig": tool_config(conversation, turns, traits, chosen="tool_choice" in extra),
        "outputConfig": effort | output_config(conversation.format),
        "additionalModelRequestFields": extra,
        **hint_fields(conversation),
    }
    if not body["messages"]:
        raise Unsupported("turns", "needs something that the user says")
    return {name: value for name, value in body.items() if value}


def refuse(conversation: Conversation, traits: Traits) -> None:
    """Raise `Unsupported` for what Converse has no field for."""
    if conversation.extensions:
        raise Unsupported(next(iter(conversation.extensions)), "does not know this field")
    check_answer(conversation)
    if wants_schema(conversation.format) and not takes_schemas(traits):
        raise Unsupported("format", "cannot be held to a JSON schema")
    if wants_map(conversation.format) or wants_recursion(conversation.format):
        raise Unsupported("format", UNHELD)


def notes_of(conversation: Conversation, turns: Sequence[Turn]) -> list[Json]:
    """Return instructions for what can only be asked for in words."""
    notes = []
    if wants_any_json(conversation.format):
        notes.append({"text": JSON_ONLY})
    if forbids_calls(conversation) and called_tools(turns):
        notes.append({"text": NO_TOOLS})
    return notes


def inference_config(
    conversation: Conversation, extra: Json, traits: Traits, sampling: dict[str, float]
) -> Json:
    """Return how long the answer may be, and how its tokens are drawn."""
    max_tokens = conversation.max_tokens
    budget = extra.get("thinking", {}).get("budget_tokens", 0)
    if budget and traits.claude and max_tokens is None:
        max_tokens = max(budget + 1, min(budget + ROOM, traits.claude.max_tokens))
    config = {
        "maxTokens": max_tokens,
        "temperature": sampling.get("temperature"),
        "topP": sampling.get("top_p"),
        "stopSequences": list(conversation.stop) or None,
    }
    return {name: value for name, value in config.items() if value is not None}


def output_config(wanted: Format | None) -> Json:
    """Return the schema that the answer is held to, if any."""
    if wanted is None or not wants_schema(wanted):
        return {}
    schema = _encoder.encode(answer_schema(wanted)).decode()
    structure = {"schema": schema, "name": wanted.name or "answer"}
    if wanted.description:
        structure["description"] = wanted.description
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": structure}}}


def hint_fields(conversation: Conversation) -> Json:
    """Return the hints that Bedrock has a field for."""
    hints = conversation.hints
    metadata = hints.metadata or {}
    fits = len(metadata) <= MOST_METADATA and all(
        key and isinstance(value, str) and METADATA.fullmatch(key) and METADATA.fullmatch(value)
        for key, value in metadata.items()
    )
    tier = hints.service_tier if hints.service_tier in TIERS else None
    return {
        "requestMetadata": metadata if fits else None,
        "serviceTier": {"type": tier} if tier else None,
    }
