"""From a conversation to the body of Converse; the model is in the path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.claude.structured import closed
from airouter.dialects.claude.thinking import (
    SMALLEST_BUDGET,
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
from airouter.dialects.converse.render_turns import Messages, cache_point
from airouter.dialects.turns import folded, leading, merged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airouter.dialects.conversation import (
        Conversation,
        Destination,
        Format,
        Json,
        Part,
        Sampling,
        Thinking,
        Turn,
    )

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")
TIERS = frozenset({"priority", "default", "flex"})
NEVER = ("frequency_penalty", "presence_penalty", "logit_bias", "seed")
NO_TOOLS = "Do not call any tool. Answer in text."
JSON_ONLY = "Answer with one JSON object and nothing else."
MOST_METADATA = 16
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
    extra = additional(conversation, destination, traits, turns)
    body = {
        "system": [*system_of(instructions), *notes_of(conversation, turns)],
        "messages": Messages(destination.maker, traits).of(turns),
        "inferenceConfig": inference_config(conversation, extra, traits),
        "toolConfig": tool_config(conversation, turns),
        "outputConfig": output_config(conversation.format),
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
    if conversation.verbosity not in {None, "medium"}:
        raise Unsupported("verbosity", "has no levels of verbosity")
    if conversation.parallel_tool_calls is False and conversation.tools and not traits.claude:
        raise Unsupported("parallel_tool_calls", "cannot be held to one tool call at a time")
    refuse_sampling(conversation.sampling, traits)


def refuse_sampling(sampling: Sampling, traits: Traits) -> None:
    """How tokens cannot be drawn."""
    for name in NEVER:
        if getattr(sampling, name) is not None:
            raise Unsupported(name, "does not take it")
    if sampling.temperature is not None and sampling.temperature > 1:
        raise Unsupported("temperature", "takes a temperature from 0 to 1")
    if sampling.top_k is not None and not traits.claude:
        raise Unsupported("top_k", "cannot sample from the k likeliest tokens")
    if traits.claude and not traits.claude.samples:
        for name in ("temperature", "top_p", "top_k"):
            if getattr(sampling, name) not in {None, 1}:
                raise Unsupported(name, "draws its tokens as it will")


def system_of(turns: Sequence[Turn]) -> list[Json]:
    """The instructions that a conversation begins with."""
    blocks: list[Json] = []
    for turn in turns:
        for part in turn.parts:
            if isinstance(part, Text) and part.text.strip():
                blocks.append({"text": part.text})
                blocks.extend(cache_point(part.cache, blocks[-1]))
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


def inference_config(conversation: Conversation, extra: Json, traits: Traits) -> Json:
    """How to answer."""
    sampling, max_tokens = conversation.sampling, conversation.max_tokens
    budget = extra.get("thinking", {}).get("budget_tokens", 0)
    if budget and max_tokens is None:
        max_tokens = budget + 8_192
    samples = traits.claude is None or traits.claude.samples
    config = {
        "maxTokens": max_tokens,
        "temperature": sampling.temperature if samples else None,
        "topP": sampling.top_p if samples else None,
        "stopSequences": list(conversation.stop) or None,
    }
    return {name: value for name, value in config.items() if value is not None}


def called(turns: Sequence[Turn]) -> list[str]:
    """The names of all tools that were called."""
    names = (part.name for turn in turns for part in turn.parts if isinstance(part, ToolCall))
    return list(dict.fromkeys(names))


def tool_config(conversation: Conversation, turns: Sequence[Turn]) -> Json | None:
    """The tools. A history with calls in it needs some, though none are to be called any more."""
    tools = [block for tool in conversation.tools for block in tool_blocks(tool)]
    if not tools:
        stubs = (Tool(name=name) for name in called(turns))
        tools = [block for tool in stubs for block in tool_blocks(tool)]
    if not tools:
        return None
    config: Json = {"tools": tools}
    choice = choice_of(conversation)
    return config | {"toolChoice": choice} if choice else config


def tool_blocks(tool: Tool | HostedTool) -> list[Json]:
    """One tool, and where the prompt is cached. Raises `Unsupported`."""
    if isinstance(tool, HostedTool):
        raise Unsupported("tools", f"has no tool '{tool.kind}' that runs at the provider")
    if not TOOL_NAME.fullmatch(tool.name):
        raise Unsupported("tools", f"takes no tool of the name '{tool.name[:64]}'")
    schema = tool.parameters or {"type": "object", "properties": {}}
    if tool.custom:
        schema = {
            "type": "object",
            "properties": {"input": {"type": "string"}},
            "required": ["input"],
        }
    elif "type" not in schema:
        schema = {"type": "object", **schema}
    spec: Json = {
        "name": tool.name,
        "description": tool.description or tool.name,
        "inputSchema": {"json": schema},
    }
    if tool.strict:
        spec |= {"strict": True, "inputSchema": {"json": closed(schema)}}
    block = {"toolSpec": spec}
    return [block, *cache_point(tool.cache, block)]


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


def output_config(wanted: Format | None) -> Json | None:
    """What the answer must look like."""
    if wanted is None or wanted.kind != "json_schema":
        return None
    schema = closed(wanted.schema or {"type": "object", "properties": {}})
    structure = {"schema": _encoder.encode(schema).decode(), "name": wanted.name or "answer"}
    if wanted.description:
        structure["description"] = wanted.description
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": structure}}}


def additional(
    conversation: Conversation, destination: Destination, traits: Traits, turns: Sequence[Turn]
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
    if conversation.sampling.top_k is not None and traits.claude.samples:
        fields["top_k"] = conversation.sampling.top_k
    if conversation.parallel_tool_calls is False and conversation.tools:
        fields["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
    return fields


def fit_budget(thinking: Json, conversation: Conversation) -> None:
    """A budget is less than `maxTokens`. Raises `Unsupported` where the client chose both."""
    temperature = conversation.sampling.temperature
    if temperature not in {None, 1}:
        raise Unsupported("temperature", "takes no temperature but 1 while it thinks")
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
    if not traits.effort_field:
        raise Unsupported("thinking", "does not let its reasoning be steered")
    effort = thinking.effort or "medium"
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
