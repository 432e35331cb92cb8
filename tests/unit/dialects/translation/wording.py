"""One wish in the words of each API for clients, for tests that ask the same of all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Json = dict[str, Any]
Parts = str | Sequence[Json]
"""A text, or parts with one of the keys `text`, `image`, `file`, `thought`, `refusal`."""


class Say(NamedTuple):
    """A message."""

    role: str
    parts: Parts


class Call(NamedTuple):
    """The model's calls of tools, by their ids."""

    ids: Sequence[str]
    name: str = "f"
    arguments: str = "{}"
    custom: bool = False


class Give(NamedTuple):
    """The results of calls."""

    ids: Sequence[str]
    parts: Parts = "done"


class Offer(NamedTuple):
    """A tool."""

    name: str
    schema: Json = {"type": "object"}  # noqa: RUF012  # never changed
    description: str = "d"
    strict: bool | None = None
    custom: bool = False


Turn = Say | Call | Give
HELLO = Say("user", "hello")


@dataclass
class Wish:
    """A request, whatever API it is for."""

    turns: Sequence[Turn] = (HELLO,)
    tools: Sequence[Offer] = ()
    chosen: Sequence[str] = ()
    """Tools of which one must be called."""
    schema: Json | None = None
    stops: Sequence[str] = ()
    metadata: Json = field(default_factory=dict)
    more: Json = field(default_factory=dict)
    """Fields as they are."""


# Chat completions.


def in_chat(wish: Wish) -> Json:
    """The body of a chat completion request."""
    body: Json = {"model": "m", "messages": [m for turn in wish.turns for m in chat_messages(turn)]}
    if wish.tools:
        body["tools"] = [chat_tool(tool) for tool in wish.tools]
    if wish.chosen:
        tools = [{"type": "function", "function": {"name": name}} for name in wish.chosen]
        allowed = {"mode": "required", "tools": tools}
        body["tool_choice"] = {"type": "allowed_tools", "allowed_tools": allowed}
    if wish.schema is not None:
        wanted = {"name": "answer", "schema": wish.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    optional = {"stop": list(wish.stops), "metadata": wish.metadata}
    return body | {name: value for name, value in optional.items() if value} | wish.more


def chat_messages(turn: Turn) -> list[Json]:
    """The messages of a turn."""
    match turn:
        case Say():
            return [{"role": turn.role, "content": chat_content(turn.parts)}]
        case Call():
            return [{"role": "assistant", "tool_calls": [chat_call(turn, id_) for id_ in turn.ids]}]
        case Give():
            content = chat_content(turn.parts)
            return [{"role": "tool", "tool_call_id": id_, "content": content} for id_ in turn.ids]


def chat_call(turn: Call, id_: str) -> Json:
    """A call."""
    if turn.custom:
        return {"id": id_, "type": "custom", "custom": {"name": turn.name, "input": "x"}}
    function = {"name": turn.name, "arguments": turn.arguments}
    return {"id": id_, "type": "function", "function": function}


def chat_content(parts: Parts) -> str | list[Json]:
    """The content of a message."""
    return parts if isinstance(parts, str) else [chat_part(part) for part in parts]


def chat_part(part: Json) -> Json:
    """A part of a content."""
    match part:
        case {"image": url}:
            return {"type": "image_url", "image_url": {"url": url}}
        case {"file": data}:
            file = {"file_data": data, "filename": part.get("name", "a.pdf")}
            return {"type": "file", "file": file}
        case {"refusal": text}:
            return {"type": "refusal", "refusal": text}
        case {"thought": text} | {"text": text}:
            return {"type": "text", "text": text, **part.get("more", {})}
    raise AssertionError(part)


def chat_tool(tool: Offer) -> Json:
    """A tool."""
    told: Json = {"name": tool.name, "description": tool.description}
    if tool.custom:
        return {"type": "custom", "custom": told}
    told |= {"parameters": tool.schema, "strict": tool.strict}
    return {"type": "function", "function": told}


# Messages.


def in_messages(wish: Wish) -> Json:
    """The body of a messages request."""
    turns = [messages_turn(turn) for turn in wish.turns]
    body: Json = {"model": "m", "max_tokens": 9, "messages": turns}
    if wish.tools:
        body["tools"] = [messages_tool(tool) for tool in wish.tools]
    if wish.chosen:
        body["tool_choice"] = {"type": "tool", "name": wish.chosen[-1]}
    if wish.schema is not None:
        body["output_config"] = {"format": {"type": "json_schema", "schema": wish.schema}}
    if wish.metadata:
        body["metadata"] = {"user_id": "".join(wish.metadata)}
    if wish.stops:
        body["stop_sequences"] = list(wish.stops)
    return body | wish.more


def messages_turn(turn: Turn) -> Json:
    """A message."""
    match turn:
        case Say():
            role = "system" if turn.role == "developer" else turn.role
            if isinstance(turn.parts, str):
                return {"role": role, "content": turn.parts}
            return {"role": role, "content": [messages_block(part) for part in turn.parts]}
        case Call():
            given = {"type": "tool_use", "name": turn.name, "input": json.loads(turn.arguments)}
            return {"role": "assistant", "content": [{**given, "id": id_} for id_ in turn.ids]}
        case Give():
            inner = turn.parts
            content = inner if isinstance(inner, str) else [messages_block(part) for part in inner]
            result = {"type": "tool_result", "content": content}
            return {"role": "user", "content": [{**result, "tool_use_id": id_} for id_ in turn.ids]}


def messages_block(part: Json) -> Json:
    """A block."""
    match part:
        case {"image": url}:
            return {"type": "image", "source": messages_source(url)}
        case {"file": url}:
            source = messages_source(url)
            return {"type": "document", "source": source, "title": part.get("name", "a.pdf")}
        case {"thought": text}:
            return {"type": "thinking", "thinking": "t", "signature": text}
        case {"text": text} | {"refusal": text}:
            return {"type": "text", "text": text, **part.get("more", {})}
    raise AssertionError(part)


def messages_source(url: str) -> Json:
    """The source of an image or a document."""
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    kind, _, data = url.removeprefix("data:").partition(";base64,")
    return {"type": "base64", "media_type": kind, "data": data}


def messages_tool(tool: Offer) -> Json:
    """A tool."""
    told: Json = {"name": tool.name, "description": tool.description}
    return told | {"input_schema": tool.schema, "strict": tool.strict}


# Responses.


def in_responses(wish: Wish) -> Json:
    """The body of a Responses request."""
    body: Json = {"model": "m", "input": [i for turn in wish.turns for i in response_items(turn)]}
    if wish.tools:
        body["tools"] = [responses_tool(tool) for tool in wish.tools]
    if wish.chosen:
        allowed = [{"type": "function", "name": name} for name in wish.chosen]
        body["tool_choice"] = {"type": "allowed_tools", "mode": "required", "tools": allowed}
    if wish.schema is not None:
        wanted = {"name": "answer", "schema": wish.schema, "strict": True}
        body["text"] = {"format": {"type": "json_schema", **wanted}}
    if wish.metadata:
        body["metadata"] = wish.metadata
    return body | wish.more


def response_items(turn: Turn) -> list[Json]:
    """The items of a turn."""
    match turn:
        case Say():
            if isinstance(turn.parts, str):
                return [{"type": "message", "role": turn.role, "content": turn.parts}]
            return list(said_items(turn.role, turn.parts))
        case Call():
            field, kind = ("input", "custom_tool") if turn.custom else ("arguments", "function")
            call = {"type": f"{kind}_call", "name": turn.name, field: turn.arguments}
            return [{**call, "call_id": id_} for id_ in turn.ids]
        case Give():
            inner = turn.parts
            output = inner if isinstance(inner, str) else [responses_part(part) for part in inner]
            result = {"type": "function_call_output", "output": output}
            return [{**result, "call_id": id_} for id_ in turn.ids]


def said_items(role: str, parts: Sequence[Json]) -> list[Json]:
    """A message, after its thoughts."""
    thoughts = [
        {"type": "reasoning", "summary": [], "encrypted_content": part["thought"]}
        for part in parts
        if "thought" in part
    ]
    said = [responses_part(part, role) for part in parts if "thought" not in part]
    return [*thoughts, {"type": "message", "role": role, "content": said}]


def responses_part(part: Json, role: str = "user") -> Json:
    """A part of a content."""
    match part:
        case {"image": url}:
            return {"type": "input_image", "image_url": url}
        case {"file": data}:
            name = part.get("name", "a.pdf")
            return {"type": "input_file", "file_data": data, "filename": name}
        case {"refusal": text}:
            return {"type": "refusal", "refusal": text}
        case {"text": text}:
            kind = "output_text" if role == "assistant" else "input_text"
            return {"type": kind, "text": text}
    raise AssertionError(part)


def responses_tool(tool: Offer) -> Json:
    """A tool."""
    told: Json = {"name": tool.name, "description": tool.description}
    if tool.custom:
        return {"type": "custom", **told}
    return {"type": "function", **told, "parameters": tool.schema, "strict": tool.strict}


WORDINGS: dict[str, Callable[[Wish], Json]] = {
    "chat": in_chat,
    "messages": in_messages,
    "responses": in_responses,
}
