"""Layer 2 of the strict Bedrock: what it refuses although the shape is right, in its own words."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from contract.services.bedrock.refusals import invalid
from contract.services.stand_in import Body

if TYPE_CHECKING:
    from contract.services.bedrock.answers import Signatures

TOLERANT = ("claude", "qwen")
ALONE = ("llama", "mistral")


def blocks_of(body: Body) -> Iterator[tuple[str, Body]]:
    for number, message in enumerate(body["messages"]):
        for at, block in enumerate(message["content"]):
            yield f"messages.{number}.content.{at}", block


def roles_alternate(body: Body, model: str) -> None:
    roles = [message["role"] for message in body["messages"]]
    if not roles:
        raise invalid("A conversation must have at least one message.")
    if roles[0] != "user" and not any(name in model for name in TOLERANT):
        raise invalid(
            "A conversation must start with a user message. Try again with a conversation that "
            "starts with a user message."
        )
    if any(one == other for one, other in pairwise(roles)):
        raise invalid("A conversation must alternate between user and assistant roles.")


def text_is_not_blank(body: Body, model: str) -> None:
    for at, block in blocks_of(body):
        inner = block["toolResult"]["content"] if "toolResult" in block else [block]
        for each in inner:
            if "text" in each and not each["text"].strip():
                raise invalid(
                    f"The text field in the ContentBlock object at {at} is blank. Add text to the "
                    "text field, and try again."
                )
    for block in body.get("system") or ():
        if "text" in block and not block["text"].strip():
            raise invalid("The text field in the system is blank.")


def calls_are_answered(body: Body, model: str) -> None:
    messages = body["messages"]
    if any("toolResult" in block for block in messages[0]["content"]):
        raise invalid("The number of toolResult blocks at messages.0.content exceeds the toolUse.")
    for number, message in enumerate(messages):
        calls = [b["toolUse"]["toolUseId"] for b in message["content"] if "toolUse" in b]
        following = messages[number + 1]["content"] if number + 1 < len(messages) else []
        found = [b["toolResult"]["toolUseId"] for b in following if "toolResult" in b]
        if sorted(calls) != sorted(found):
            raise invalid(
                f"Expected toolResult blocks at messages.{number + 1}.content for the following "
                f"Ids: {', '.join(calls)}"
            )
        kinds = {next(iter(block)) for block in message["content"]}
        alone = any(name in model for name in ALONE)
        if alone and "toolResult" in kinds and kinds != {"toolResult"}:
            raise invalid("Only toolResult blocks are allowed beside each other.")


def tools_are_configured(body: Body, model: str) -> None:
    used = any({"toolUse", "toolResult"} & set(block) for _, block in blocks_of(body))
    if used and not body.get("toolConfig"):
        raise invalid(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks."
        )


def failures_say_something(body: Body, model: str) -> None:
    for _, block in blocks_of(body):
        result = block.get("toolResult", {})
        if result.get("status") == "error" and not result["content"]:
            raise invalid("A toolResult with status error must have content.")


def documents_come_with_text(body: Body, model: str) -> None:
    names = [block["document"]["name"] for _, block in blocks_of(body) if "document" in block]
    if len(set(names)) != len(names):
        raise invalid("The document names must be unique.")
    if any("  " in name or "_" in name or "." in name for name in names):
        raise invalid("The document file name can only contain alphanumeric characters.")
    for message in body["messages"]:
        kinds = {next(iter(block)) for block in message["content"]}
        if "document" in kinds and "text" not in kinds:
            raise invalid("A text block is required when using documents.")


def bytes_are_base64(body: Body, model: str) -> None:
    for _, block in blocks_of(body):
        for kind in ("image", "document", "video"):
            given = block.get(kind, {}).get("source", {}).get("bytes")
            if given is not None:
                try:
                    base64.b64decode(given, validate=True)
                except binascii.Error:
                    raise invalid("The bytes are not base64.") from None


def cache_points_follow_something(body: Body, model: str) -> None:
    for message in [*body["messages"], {"content": body.get("system") or []}]:
        before: str | None = None
        for block in message["content"]:
            kind = next(iter(block))
            if kind == "cachePoint" and before in {None, "cachePoint", "document", "video"}:
                raise invalid("cachePoint cannot be inserted here.")
            before = kind


def sampling_fits(body: Body, model: str) -> None:
    config = body.get("inferenceConfig") or {}
    if "claude-opus-4-7" in model and {"temperature", "topP"} & set(config):
        raise invalid("`temperature` is deprecated for this model.")


def thinking_fits(body: Body, model: str) -> None:
    extra = body.get("additionalModelRequestFields") or {}
    thinking = extra.get("thinking")
    if thinking is None:
        return
    if "claude" not in model:
        raise invalid("Malformed input request: #: extraneous key [thinking] is not permitted")
    choice = (body.get("toolConfig") or {}).get("toolChoice") or {}
    if thinking["type"] == "enabled":
        if "opus-4-7" in model:
            raise invalid("thinking.type.enabled is not supported for this model")
        most = (body.get("inferenceConfig") or {}).get("maxTokens", 64_000)
        if not 1_024 <= thinking["budget_tokens"] < most:
            raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")
        if {"any", "tool"} & set(choice):
            raise invalid("Thinking may not be enabled when tool_choice forces tool use.")
    elif thinking["type"] == "adaptive" and "opus-4-7" not in model:
        raise invalid("adaptive thinking is not supported on this model")


def reasoning_is_unchanged(body: Body, model: str, signatures: Signatures) -> None:
    for at, block in blocks_of(body):
        content = block.get("reasoningContent")
        if content is None:
            continue
        text = content.get("reasoningText")
        if text is not None and not signatures.holds(text.get("signature", ""), text["text"]):
            raise invalid(f"{at}: Invalid `signature` in `thinking` block")
        redacted = content.get("redactedContent")
        if redacted is not None and not signatures.holds(redacted, "(redacted)"):
            raise invalid(f"{at}: Invalid redacted content")


RULES = (
    roles_alternate,
    text_is_not_blank,
    calls_are_answered,
    tools_are_configured,
    failures_say_something,
    documents_come_with_text,
    bytes_are_base64,
    cache_points_follow_something,
    sampling_fits,
    thinking_fits,
)


def check_rules(body: Body, model: str, signatures: Signatures) -> None:
    """All of them."""
    for rule in RULES:
        rule(body, model)
    reasoning_is_unchanged(body, model, signatures)
