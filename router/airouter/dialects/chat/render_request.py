"""From a conversation to the body of a chat completion request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.chat.efforts import NEVER_REASONS, effort_of, efforts_of
from airouter.dialects.chat.render_turns import messages_of
from airouter.dialects.conversation import File, HostedTool, Tool, Unsupported
from airouter.dialects.functions import schema_of
from airouter.dialects.media import urls_in
from airouter.dialects.tools import no_such_tool, without_offers

if TYPE_CHECKING:
    from airouter.dialects.conversation import (
        Conversation,
        Destination,
        Format,
        Json,
        ToolChoice,
    )

SAMPLING = (
    "temperature",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "seed",
)
NEUTRAL = ("temperature", "top_p")
"""Settings that change nothing where they are 1."""
HINTS = (
    "user",
    "safety_identifier",
    "metadata",
    "service_tier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "store",
    "verbosity",
)
TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})
_encoder = msgspec.json.Encoder()


def render_request(conversation: Conversation, destination: Destination) -> bytes:
    """Return the body for OpenAI itself. Raises `Unsupported`."""
    return _encoder.encode(body_of(conversation, destination))


def fetches(conversation: Conversation) -> list[str]:
    """Return the URLs of files, which chat completions take as bytes only."""
    return urls_in(conversation, lambda part, _url: isinstance(part, File))


def body_of(conversation: Conversation, destination: Destination) -> dict[str, Any]:
    """Return the fields of the body, absent ones left out."""
    refuse_foreign(conversation)
    body: dict[str, Any] = {
        "model": destination.model,
        "messages": messages_of(conversation.turns, destination.model),
        "tools": [tool_of(tool) for tool in without_offers(conversation)],
        "tool_choice": choice_of(conversation),
        "parallel_tool_calls": conversation.parallel_tool_calls,
        "max_completion_tokens": conversation.max_tokens,
        "stop": list(conversation.stop),
        "reasoning_effort": effort_of(conversation.thinking, destination.model),
        "response_format": format_of(conversation.format),
        "n": conversation.n,
        "logprobs": conversation.logprobs,
        "top_logprobs": conversation.top_logprobs,
        "modalities": list(conversation.modalities),
        "audio": conversation.audio,
        **{name: getattr(conversation.sampling, name) for name in SAMPLING},
        **{name: getattr(conversation.hints, name) for name in HINTS},
    }
    if body["service_tier"] not in TIERS:
        body["service_tier"] = None
    if NEVER_REASONS.search(destination.model):
        body["verbosity"] = None  # these refuse all but "medium"
    if efforts_of(destination.model):
        for name in NEUTRAL:  # these refuse the very fields
            body[name] = None if body[name] == 1 else body[name]
    if not conversation.tools:
        body["parallel_tool_calls"] = None  # refused without tools
    if conversation.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return {name: value for name, value in body.items() if value not in (None, [], {})}


def refuse_foreign(conversation: Conversation) -> None:
    """Raise `Unsupported` for fields that chat completions do not have."""
    if conversation.dialect != "chat" and conversation.extensions:
        raise Unsupported(next(iter(conversation.extensions)), "does not know this field")
    if conversation.sampling.top_k is not None:
        raise Unsupported("top_k", "cannot sample from the k likeliest tokens")
    if len(conversation.stop) > 4:
        raise Unsupported("stop", "takes at most 4 stop sequences")


def tool_of(tool: Tool | HostedTool) -> Json:
    """Return a tool. Raises `Unsupported` for one that its provider would run."""
    if isinstance(tool, HostedTool):
        raise no_such_tool(tool)
    if tool.custom:
        custom = {"name": tool.name, "description": tool.description, "format": form_of(tool)}
        return {"type": "custom", "custom": present(custom)}
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": schema_of(tool) if tool.parameters else tool.parameters,
        "strict": tool.strict,
    }
    return {"type": "function", "function": present(function)}


def form_of(tool: Tool) -> Json | None:
    """Return the form of a custom tool's text; Responses has a grammar one level higher."""
    form = tool.grammar
    if form is None or form.get("type") != "grammar" or "grammar" in form:
        return form
    return {"type": "grammar", "grammar": {key: form[key] for key in form if key != "type"}}


def choice_of(conversation: Conversation) -> str | Json | None:
    """Return the demand on calls."""
    choice = conversation.tool_choice
    if choice is None or not conversation.tools:
        return None
    if not choice.names:
        return choice.mode
    custom = {t.name for t in conversation.tools if isinstance(t, Tool) and t.custom}
    names = [named_tool(name, custom=name in custom) for name in choice.names]
    if choice.mode == "required" and len(names) == 1:
        return names[0]
    return {"type": "allowed_tools", "allowed_tools": allowed(choice, names)}


def allowed(choice: ToolChoice, names: list[Json]) -> Json:
    """Return the tools that may be called."""
    return {"mode": "required" if choice.mode == "required" else "auto", "tools": names}


def named_tool(name: str, *, custom: bool) -> Json:
    """Return a tool by its name."""
    kind = "custom" if custom else "function"
    return {"type": kind, kind: {"name": name}}


def format_of(wanted: Format | None) -> Json | None:
    """Return the form that the answer must have."""
    if wanted is None or wanted.kind == "text":
        return None
    if wanted.kind == "json_object":
        return {"type": "json_object"}
    schema = {
        "name": wanted.name or "answer",
        "description": wanted.description,
        "schema": wanted.schema,
        "strict": wanted.strict,
    }
    return {"type": "json_schema", "json_schema": present(schema)}


def present(fields: dict[str, Any]) -> Json:
    """Return the fields without those that are None."""
    return {name: value for name, value in fields.items() if value is not None}
