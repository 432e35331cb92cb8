"""A chat completion request in the words of Responses, as far as those have them."""

from __future__ import annotations

from typing import Any

from contract.services.stand_in import Body

WITHOUT = ("stop", "seed", "n", "user")
"""Fields of chat for which Responses has none, or that a feature is about."""


def in_responses(chat: Body | None) -> Body | None:
    """The request; None for one that Responses cannot say."""
    if chat is None or any(name in chat for name in WITHOUT) or "cache_control" in str(chat):
        return None
    given = dict(chat)
    extra = given.pop("extra_body", {})
    if set(extra) - {"thinking"}:
        return None
    body: Body = {"input": [item_of(message) for message in given.pop("messages")]}
    if "thinking" in extra:
        body["reasoning"] = {"effort": "medium", "summary": "auto"}
    most = given.pop("max_tokens", None) or given.pop("max_completion_tokens", None)
    if most:
        body["max_output_tokens"] = most
    if "tools" in given:
        body["tools"] = [flat(tool) for tool in given.pop("tools")]
    if isinstance(given.get("tool_choice"), dict):
        body["tool_choice"] = flat(given.pop("tool_choice"))
    if "response_format" in given:
        body["text"] = {"format": flat(given.pop("response_format"))}
    if "reasoning_effort" in given:
        body["reasoning"] = {"effort": given.pop("reasoning_effort"), "summary": "auto"}
    if given.pop("logprobs", None):
        body["include"] = ["message.output_text.logprobs"]
    return body | given


def flat(tool: Body) -> Body:
    """A tool, a choice or a format, whose fields stand beside its type."""
    kind = tool["type"]
    return {"type": kind, **tool.get(kind, {})}


def item_of(message: Body) -> Body:
    """A message as an item."""
    content = message["content"]
    if not isinstance(content, str):
        content = [part_of(part) for part in content]
    return {"role": message["role"], "content": content}


def part_of(part: Body) -> Any:
    """A part of a content."""
    match part["type"]:
        case "text":
            return {"type": "input_text", "text": part["text"]}
        case "image_url":
            return {"type": "input_image", "image_url": part["image_url"]["url"], "detail": "auto"}
        case "file":
            return {"type": "input_file", **part["file"]}
    return part
