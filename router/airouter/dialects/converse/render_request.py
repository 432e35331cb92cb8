"""From a conversation to the body of Converse; the model is in the path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.claude.structured import closed
from airouter.dialects.claude.thinking import (
    BUDGETS,
    SMALLEST_BUDGET,
    effort_by_budget,
    forces_a_tool,
    lacks_reasoning,
    thinking_of,
)
from airouter.dialects.conversation import (
    File,
    HostedTool,
    Image,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Unsupported,
)
from airouter.dialects.converse.models import Traits, traits_of
from airouter.dialects.converse.render_turns import Messages, cache_point, check_name
from airouter.dialects.converse.sampling import sampling_of
from airouter.dialects.functions import schema_of
from airouter.dialects.tools import description_of, no_such_tool, without_search
from airouter.dialects.turns import folded, leading, merged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airouter.dialects.conversation import (
        Conversation,
        Destination,
        Format,
        Json,
        Part,
        Thinking,
        Turn,
    )

METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")
TIERS = frozenset({"priority", "default", "flex"})
NO_TOOLS = "Do not call any tool. Answer in text."
JSON_ONLY = "Answer with one JSON object and nothing else."
MOST_METADATA = 16
ROOM = 8_192
"""Tokens for the answer itself, beside a budget for thinking, where a client says nothing."""
OPEN_EFFORTS = {"minimal": "low", "xhigh": "high", "max": "high"}

_encoder = msgspec.json.Encoder()


def render_request(conversation: Conversation, destination: Destination) -> bytes:
    """The body. Raises `Unsupported`, and `Failure` 400 for unreadable calls."""
    return _encoder.encode(body_of(conversation, destination))


def fetches(conversation: Conversation) -> list[str]:
    """The URLs in a conversation: Bedrock takes bytes only, or what is at S3."""
    return [
        part.media.url
        for turn in conversation.turns
        for part in media_in(turn.parts)
        if part.media.url is not None and not part.media.url.startswith("s3://")
    ]


def media_in(parts: Sequence[Part]) -> Iterator[Image | File]:
    """All pictures and documents, those in results of tools too."""
    for part in parts:
        if isinstance(part, Image | File):
            yield part
        elif isinstance(part, ToolResult):
            yield from media_in(part.parts)


def body_of(conversation: Conversation, destination: Destination) -> dict[str, Any]:
    """All of it, absent fields left out."""
    traits = traits_of(destination.model)
    refuse(conversation, traits)
    instructions, rest = leading(conversation.turns)
    turns = merged(folded(rest))
    sampling = sampling_of(conversation.sampling, traits)
    extra = additional(conversation, destination, traits, turns, sampling)
    effort = extra.pop("output_config", {})  # Converse's own field, which clashes with it
    body = {
        "system": [*system_of(instructions, traits), *notes_of(conversation, turns)],
        "messages": Messages(destination.maker, traits).of(turns),
        "inferenceConfig": inference_config(conversation, extra, traits, sampling),
        "toolConfig": tool_config(conversation, turns, traits, extra),
        "outputConfig": effort | output_config(conversation.format),
        "additionalModelRequestFields": extra,
        **hints_of(conversation),
    }
    if not body["messages"]:
        raise Unsupported("turns", "needs something that the user says")
    return {name: value for name, value in body.items() if value}


def refuse(conversation: Conversation, traits: Traits) -> None:
    """What Converse has no word for."""
    if conversation.extensions:
        raise Unsupported(next(iter(conversation.extensions)), "does not know this field")
    if conversation.n not in {None, 1}:
        raise Unsupported("n", "gives one answer at a time")
    if conversation.logprobs or conversation.top_logprobs:
        raise Unsupported("logprobs", "cannot return log probabilities")
    if conversation.audio is not None or set(conversation.modalities) - {"text"}:
        raise Unsupported("modalities", "answers in text only")
    wanted = conversation.format
    if wanted is not None and wanted.kind == "json_schema" and not takes_schemas(traits):
        raise Unsupported("format", "cannot be held to a JSON schema")


def takes_schemas(traits: Traits) -> bool:
    """Whether an answer can be held to one. Of other families than Claude the service knows."""
    return traits.claude is None or traits.claude.schemas


def system_of(turns: Sequence[Turn], traits: Traits) -> list[Json]:
    """The instructions that a conversation begins with."""
    blocks: list[Json] = []
    for turn in turns:
        for part in turn.parts:
            if isinstance(part, Text) and part.text.strip():
                blocks.append({"text": part.text})
                blocks.extend(cache_point(part.cache if traits.caches else None, blocks[-1]))
    return blocks


def notes_of(conversation: Conversation, turns: Sequence[Turn]) -> list[Json]:
    """What can only be asked for in words."""
    notes = []
    if conversation.format is not None and conversation.format.kind == "json_object":
        notes.append({"text": JSON_ONLY})
    choice = conversation.tool_choice
    if choice is not None and choice.mode == "none" and (conversation.tools or called(turns)):
        notes.append({"text": NO_TOOLS})
    return notes


def inference_config(
    conversation: Conversation, extra: Json, traits: Traits, sampling: dict[str, float]
) -> Json:
    """How to answer."""
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


def called(turns: Sequence[Turn]) -> list[str]:
    """The names of all tools that were called."""
    names = (part.name for turn in turns for part in turn.parts if isinstance(part, ToolCall))
    return list(dict.fromkeys(names))


def tool_config(
    conversation: Conversation, turns: Sequence[Turn], traits: Traits, extra: Json
) -> Json | None:
    """The tools. A history with calls in it needs some, though none are to be called any more."""
    given = without_search(conversation) or [Tool(name=name) for name in called(turns)]
    if not given:
        return None
    config: Json = {"tools": [block for tool in given for block in tool_blocks(tool, traits)]}
    choice = None if "tool_choice" in extra else choice_of(conversation)
    return config | {"toolChoice": choice} if choice else config


def tool_blocks(tool: Tool | HostedTool, traits: Traits) -> list[Json]:
    """One tool, and where the prompt is cached. Raises `Unsupported`."""
    if isinstance(tool, HostedTool):
        raise no_such_tool(tool)
    check_name(tool.name, "tools")
    schema = schema_of(tool)
    spec: Json = {
        "name": tool.name,
        "description": description_of(tool) or tool.name,
        "inputSchema": {"json": schema},
    }
    if tool.strict:
        spec |= {"strict": True, "inputSchema": {"json": closed(schema)}}
    block = {"toolSpec": spec}
    return [block, *cache_point(tool.cache if traits.caches_tools else None, block)]


def choice_of(conversation: Conversation) -> Json | None:
    """Whether and which tool must be called; that none may be is said in words."""
    choice = conversation.tool_choice
    if choice is None or choice.mode == "none" or not conversation.tools:
        return None
    if len(choice.names) > 1 or (choice.names and choice.mode == "auto"):
        raise Unsupported("tool_choice", "cannot be left with only some of the tools")
    if choice.names:
        return {"tool": {"name": choice.names[0]}}
    return {"any": {}} if choice.mode == "required" else {"auto": {}}


def one_at_a_time(conversation: Conversation) -> Json:
    """A choice in Claude's own words, in place of Converse's: they clash."""
    choice = choice_of(conversation) or {"auto": {}}
    kind = next(iter(choice))
    return {"type": kind, **choice[kind], "disable_parallel_tool_use": True}


def output_config(wanted: Format | None) -> Json:
    """What the answer must look like."""
    if wanted is None or wanted.kind != "json_schema":
        return {}
    schema = closed(wanted.schema or {"type": "object", "properties": {}})
    structure = {"schema": _encoder.encode(schema).decode(), "name": wanted.name or "answer"}
    if wanted.description:
        structure["description"] = wanted.description
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": structure}}}


def additional(
    conversation: Conversation,
    destination: Destination,
    traits: Traits,
    turns: Sequence[Turn],
    sampling: dict[str, float],
) -> Json:
    """What a family takes beside Converse's own fields."""
    if traits.claude is None:
        return open_effort(conversation.thinking, traits)
    fields = thinking_of(conversation.thinking, traits.claude)
    enabled = fields.get("thinking", {}).get("type") in {"enabled", "adaptive"}
    if enabled and traits.claude.budgets:
        if forces_a_tool(conversation):
            raise Unsupported("tool_choice", "cannot be made to call a tool while it thinks")
        if lacks_reasoning(turns, destination.maker):
            del fields["thinking"]
        else:
            fit_budget(fields["thinking"], conversation)
    if "top_k" in sampling:
        fields["top_k"] = sampling["top_k"]
    if conversation.parallel_tool_calls is False and may_call(conversation):
        fields["tool_choice"] = one_at_a_time(conversation)
    return fields


def may_call(conversation: Conversation) -> bool:
    """Whether there are tools, and they are not forbidden."""
    choice = conversation.tool_choice
    return bool(conversation.tools) and (choice is None or choice.mode != "none")


def fit_budget(thinking: Json, conversation: Conversation) -> None:
    """A budget is less than `maxTokens`. Raises `Unsupported` where the client chose both."""
    temperature = conversation.sampling.temperature
    if temperature not in {None, 1}:
        raise Unsupported("temperature", "takes no temperature but 1 while it thinks")
    if conversation.sampling.top_k is not None:
        raise Unsupported("top_k", "takes no top_k while it thinks")
    most = conversation.max_tokens
    if most is None or thinking["budget_tokens"] < most:
        return
    chosen = conversation.thinking is not None and conversation.thinking.budget is not None
    if chosen or most <= SMALLEST_BUDGET:
        raise Unsupported("max_tokens", "needs more of them than its budget for thinking")
    thinking["budget_tokens"] = max(SMALLEST_BUDGET, most // 2)


def open_effort(thinking: Thinking | None, traits: Traits) -> Json:
    """The effort of a model that is not Claude. Raises `Unsupported`."""
    if thinking is None or thinking.mode == "off" or thinking.effort == "none":
        return {}
    if not traits.effort_field and thinking.mode == "adaptive":
        return {}
    if not traits.effort_field:
        raise Unsupported("thinking", "does not let its reasoning be steered")
    effort = thinking.effort or effort_by_budget(thinking.budget or BUDGETS["medium"])
    return {"reasoning_effort": OPEN_EFFORTS.get(effort, effort)}


def hints_of(conversation: Conversation) -> Json:
    """What Bedrock knows of them."""
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
