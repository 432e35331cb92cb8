"""Layer 2 of the strict Anthropic: what it refuses although the shape is right, in its own words.

One function a rule; each raises `Refusal`. Turns are merged first, as the service does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from contract.services.messages.refusals import invalid
from contract.services.stand_in import Body, merged

ID = re.compile(r"[a-zA-Z0-9_-]+")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
NEWEST = ("claude-opus-4-7", "claude-sonnet-5")
"""Models that choose their own sampling and think adaptively."""
WITHOUT_PREFILL = (*NEWEST, "claude-opus-4-6")
WITHOUT_THINKING = ("claude-3-5-haiku-20241022",)
WITH_EFFORT = ("claude-opus-4-6", *NEWEST)
WITH_SCHEMA = ("claude-sonnet-4-5-20250929", "claude-opus-4-6", *NEWEST)
SAMPLING = ("temperature", "top_p", "top_k")
CACHE_POINTS = 4
BOUNDS = {"minimum", "maximum", "minLength", "maxLength", "multipleOf", "maxItems", "uniqueItems"}


def blocks_of(body: Body, role: str | None = None) -> Iterator[tuple[str, Body]]:
    """All blocks, each with its place."""
    for number, message in enumerate(body["messages"]):
        content = message["content"]
        if isinstance(content, list) and role in {None, message["role"]}:
            for at, block in enumerate(content):
                yield f"messages.{number}.content.{at}", block


def there_are_messages(body: Body) -> None:
    if not body["messages"]:
        raise invalid("messages: at least one message is required")


def text_is_not_empty(body: Body) -> None:
    for message in body["messages"]:
        if isinstance(message["content"], str) and not message["content"].strip():
            raise invalid("messages: text content blocks must be non-empty")
    for _, block in blocks_of(body):
        inner = block.get("content") if block["type"] == "tool_result" else [block]
        for each in inner if isinstance(inner, list) else ():
            if each.get("type") == "text" and not each["text"].strip():
                raise invalid("messages: text content blocks must be non-empty")


def content_is_not_empty(body: Body) -> None:
    for number, message in enumerate(body["messages"]):
        if not message["content"]:
            raise invalid(f"messages.{number}: all messages must have non-empty content")


def ids_and_names_fit(body: Body) -> None:
    for at, block in blocks_of(body):
        if block["type"] == "tool_use" and not ID.fullmatch(block["id"]):
            raise invalid(f"{at}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
        if block["type"] == "tool_use" and not NAME.fullmatch(block["name"]):
            raise invalid(f"{at}.tool_use.name: String should match pattern")


def calls_are_answered(body: Body) -> None:
    turns = merged(body["messages"], "content")
    for number, turn in enumerate(turns):
        calls = [b["id"] for b in turn["content"] if b.get("type") == "tool_use"]
        if len(set(calls)) != len(calls):
            raise invalid(f"messages.{number}: `tool_use` ids must be unique")
        following = turns[number + 1]["content"] if number + 1 < len(turns) else []
        results = [b["tool_use_id"] for b in following if b.get("type") == "tool_result"]
        missing = [each for each in calls if each not in results]
        if missing:
            raise invalid(
                f"messages.{number}: `tool_use` ids were found without `tool_result` blocks "
                f"immediately after: {', '.join(missing)}. Each `tool_use` block must have a "
                "corresponding `tool_result` block in the next message."
            )


def results_have_calls(body: Body) -> None:
    turns = merged(body["messages"], "content")
    for number, turn in enumerate(turns):
        before = turns[number - 1]["content"] if number else []
        calls = {b["id"] for b in before if b.get("type") == "tool_use"}
        for at, block in enumerate(turn["content"]):
            if block.get("type") == "tool_result" and block["tool_use_id"] not in calls:
                raise invalid(
                    f"messages.{number}.content.{at}: unexpected `tool_use_id` found in "
                    f"`tool_result` blocks: {block['tool_use_id']}."
                )


def results_come_first(body: Body) -> None:
    for number, turn in enumerate(merged(body["messages"], "content")):
        kinds = [block.get("type") == "tool_result" for block in turn["content"]]
        if kinds != sorted(kinds, reverse=True):
            raise invalid(f"messages.{number}: `tool_result` blocks must come first")


def tools_are_there_for_their_blocks(body: Body) -> None:
    used = any(block["type"] in {"tool_use", "tool_result"} for _, block in blocks_of(body))
    if used and not body.get("tools"):
        raise invalid("Requests which include `tool_use` or `tool_result` blocks must define tools")


def tools_have_names_of_their_own(body: Body) -> None:
    names = [tool["name"] for tool in body.get("tools") or ()]
    if len(set(names)) != len(names):
        raise invalid("tools: Tool names must be unique.")
    for tool in body.get("tools") or ():
        if not NAME.fullmatch(tool["name"]):
            raise invalid("tools.0.custom.name: String should match pattern")


def a_choice_needs_tools(body: Body) -> None:
    if body.get("tool_choice") and not body.get("tools"):
        raise invalid("tool_choice may only be specified while providing tools.")


def thinks(body: Body) -> bool:
    return (body.get("thinking") or {}).get("type") in {"enabled", "adaptive"}


def budgets_fit(body: Body) -> None:
    thinking = body.get("thinking") or {}
    if thinking.get("type") != "enabled":
        return
    if body["model"] in NEWEST:
        raise invalid(
            "thinking.type.enabled: not supported for this model. Use adaptive thinking and "
            "output_config.effort."
        )
    budget = thinking.get("budget_tokens", 0)
    if budget < 1024:
        raise invalid(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
        )
    if budget >= body["max_tokens"]:
        raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")


def only_thinkers_think(body: Body) -> None:
    if thinks(body) and body["model"] in WITHOUT_THINKING:
        raise invalid(f"{body['model']} does not support thinking")
    if body.get("thinking", {}).get("type") == "adaptive" and body["model"] not in WITH_EFFORT:
        raise invalid("adaptive thinking is not supported on this model")


def nobody_is_forced_while_thinking(body: Body) -> None:
    enabled = (body.get("thinking") or {}).get("type") == "enabled"
    if enabled and (body.get("tool_choice") or {}).get("type") in {"any", "tool"}:
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")


def sampling_fits(body: Body) -> None:
    given = {name: body[name] for name in SAMPLING if body.get(name) is not None}
    if given and body["model"] in NEWEST:
        raise invalid(f"`{next(iter(given))}` is deprecated for this model.")
    if not 0 <= given.get("temperature", 0) <= 1:
        raise invalid("temperature: range: 0..1")
    later = "4-5" in body["model"] or "4-6" in body["model"]
    if later and {"temperature", "top_p"} <= set(given):
        raise invalid("`temperature` and `top_p` cannot both be specified for this model.")
    if (body.get("thinking") or {}).get("type") == "enabled":
        if given.get("temperature", 1) != 1:
            raise invalid("`temperature` may only be set to 1 when thinking is enabled.")
        if "top_k" in given:
            raise invalid("`top_k` must be unset when thinking is enabled.")


def efforts_fit(body: Body) -> None:
    effort = (body.get("output_config") or {}).get("effort")
    if effort is not None and body["model"] not in WITH_EFFORT:
        raise invalid("This model does not support the effort parameter.")
    if effort == "xhigh" and body["model"] not in NEWEST:
        raise invalid(
            "This model does not support effort level 'xhigh'. Supported levels: high, low, max."
        )


def nobody_is_prefilled(body: Body) -> None:
    if body["messages"][-1]["role"] == "assistant" and body["model"] in WITHOUT_PREFILL:
        raise invalid("This model does not support assistant message prefill.")


def system_messages_follow_users(body: Body) -> None:
    roles = [message["role"] for message in body["messages"]]
    for before, role in zip([None, *roles], roles, strict=False):
        if role == "system" and (body["model"] not in NEWEST or before not in {"user", "system"}):
            raise invalid("messages: role 'system' is not allowed here")


def cache_points_are_few(body: Body) -> None:
    marked: list[Any] = [block for _, block in blocks_of(body)]
    marked += body["system"] if isinstance(body.get("system"), list) else []
    marked += body.get("tools") or []
    if sum("cache_control" in block for block in marked) > CACHE_POINTS:
        raise invalid("A maximum of 4 blocks with cache_control may be provided.")


def schemas_are_in_the_subset(body: Body) -> None:
    wanted = (body.get("output_config") or {}).get("format")
    if wanted is None:
        return
    if body["model"] not in WITH_SCHEMA:
        raise invalid("output_config.format: not supported for this model")
    check_schema(wanted["schema"])


def check_schema(schema: Any) -> None:
    if isinstance(schema, list):
        for each in schema:
            check_schema(each)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        raise invalid("output_config.format.schema: 'additionalProperties' must be false")
    extra = BOUNDS & set(schema)
    if extra:
        raise invalid(f"output_config.format.schema: property '{extra.pop()}' is not supported")
    for key, each in schema.items():
        if key in {"properties", "$defs"}:
            for inner in each.values():
                check_schema(inner)
        elif key in {"items", "anyOf", "allOf"}:
            check_schema(each)


def newer_version_is_kept(body: Body) -> None:
    for name in SAMPLING:
        if name in body:
            raise invalid(f"{name}: Extra inputs are not permitted")
    for at, block in blocks_of(body, "assistant"):
        if block["type"] == "document":
            raise invalid(f"{at}: document blocks are not permitted in assistant messages")
    for at, block in blocks_of(body, "user"):
        if block["type"] == "text" and block.get("citations"):
            raise invalid(f"{at}.citations: Extra inputs are not permitted")


RULES = (
    there_are_messages,
    content_is_not_empty,
    text_is_not_empty,
    ids_and_names_fit,
    calls_are_answered,
    results_have_calls,
    results_come_first,
    tools_are_there_for_their_blocks,
    tools_have_names_of_their_own,
    a_choice_needs_tools,
    budgets_fit,
    only_thinkers_think,
    nobody_is_forced_while_thinking,
    sampling_fits,
    efforts_fit,
    nobody_is_prefilled,
    system_messages_follow_users,
    cache_points_are_few,
    schemas_are_in_the_subset,
)
COUNTED = tuple(rule for rule in RULES if rule not in {budgets_fit})
NEWER_VERSION = "2026-10-21"


def check_rules(body: Body, *, version: str, counting: bool) -> None:
    """All of them."""
    for rule in COUNTED if counting else RULES:
        rule(body)
    if version == NEWER_VERSION:
        newer_version_is_kept(body)
