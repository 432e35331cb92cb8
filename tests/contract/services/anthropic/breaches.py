"""Requests of the right shape that break a rule of the strict Anthropic, at least one for each."""

from __future__ import annotations

from typing import Any

from contract.services.anthropic.answers import text, web_search
from contract.services.anthropic.samples import (
    ADAPTIVE,
    CACHED,
    CALL,
    HELLO,
    LOOK,
    MIDDLE,
    NEW,
    NEWEST,
    RESULT,
    Case,
    calling,
    said,
)


def picture(**source: str) -> list[Any]:
    return said([{"type": "image", "source": source}])


def schema(**parts: Any) -> dict[str, Any]:
    return {"output_config": {"format": {"type": "json_schema", "schema": parts}}}


BUDGET = {"type": "enabled", "budget_tokens": 1_024}
THINKING = {"max_tokens": 2_048, "thinking": BUDGET}
ADAPTING = {"model": ADAPTIVE, "thinking": {"type": "adaptive"}}
REFUSED: list[Case] = [
    ("deprecated", {"model": NEW, "temperature": 1}, "`temperature` is deprecated for this model."),
    ("deprecated", {"model": NEWEST, "top_k": 5}, "`top_k` is deprecated for this model."),
    ("both", {"model": MIDDLE, "temperature": 1, "top_p": 1}, "`temperature` and `top_p` cannot"),
    ("hot", {"temperature": 1.7}, "temperature: range: 0..1"),
    ("cold", {"top_p": -0.1}, "top_p: range: 0..1"),
    ("none", {"top_k": -1}, "top_k: Input should be greater than or equal to 0"),
    ("thinking hot", THINKING | {"temperature": 0.5}, "`temperature` may only be set to 1 when"),
    ("thinking of few", ADAPTING | {"top_p": 0.5}, "`top_p` must be greater than or equal to 0.95"),
    ("thinking of the best", THINKING | {"top_k": 5}, "`top_k` must be unset when thinking"),
    ("too much", {"max_tokens": 32_001}, "max_tokens: 32001 > 32000, which is the maximum"),
    ("negative", {"max_tokens": -1}, "max_tokens: Input should be greater"),
    ("stop", {"stop_sequences": [" \n"]}, "stop_sequences: each stop sequence must contain"),
    ("silence", {"messages": []}, "messages: at least one message is required"),
    ("no content", {"messages": said("")}, "messages.0: all messages must have non-empty content"),
    (
        "no blocks",
        {"messages": said("Hi", [], "x")},
        "messages.1: all messages must have non-empty",
    ),
    ("blank", {"messages": said(" \n")}, "messages: text content blocks must contain non-white"),
    ("empty", {"messages": said([text("")])}, "messages: text content blocks must be non-empty"),
    ("empty system", {"system": [text("")]}, "system: text content blocks must be non-empty"),
    (
        "empty result",
        calling([RESULT | {"content": [text("")]}]),
        "messages: text content blocks must be non-empty",
    ),
    (
        "failed without a word",
        calling([RESULT | {"content": "", "is_error": True}]),
        "messages.2.content.0.tool_result: content cannot be empty if `is_error` is true",
    ),
    (
        "empty and cached",
        {"messages": said([CACHED | {"text": ""}])},
        "messages.0.content.0.text: cache_control cannot be set for empty text blocks",
    ),
    (
        "the user calls",
        {"tools": [LOOK], "messages": said([CALL])},
        "messages.0: `tool_use` blocks can only be in `assistant` messages",
    ),
    (
        "the assistant answers",
        {"tools": [LOOK], "messages": said("Hi", [RESULT])},
        "messages.1: `tool_result` blocks can only be in `user` messages",
    ),
    (
        "an older model is instructed",
        {"messages": [*HELLO, {"role": "system", "content": "x"}]},
        "role 'system' is not supported on this model",
    ),
    (
        "instructed at first",
        {"model": NEWEST, "messages": [{"role": "system", "content": "x"}, *HELLO]},
        "messages.0: role 'system' must follow a 'user' message",
    ),
    (
        "instructed before the user",
        {"model": NEWEST, "messages": [*HELLO, {"role": "system", "content": "x"}, *HELLO]},
        "messages.1: role 'system' must precede an 'assistant' message or end the array",
    ),
    (
        "begun",
        {"model": ADAPTIVE, "messages": said("Hi", "Well")},
        "This model does not support assistant message prefill.",
    ),
    (
        "begun with a blank",
        {"messages": said("Hi", "Well, ")},
        "messages: final assistant content cannot end with trailing whitespace",
    ),
    (
        "five breakpoints",
        {
            "cache_control": {"type": "ephemeral"},
            "tools": [{**LOOK, "cache_control": {"type": "ephemeral"}}],
            "system": [CACHED],
            "messages": said([CACHED, CACHED]),
        },
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    (
        "an hour after minutes",
        {
            "system": [CACHED],
            "messages": said([CACHED | {"cache_control": {"type": "ephemeral", "ttl": "1h"}}]),
        },
        "messages.0.content.0.cache_control.ttl: a ttl='1h' cache_control block must not come",
    ),
    (
        "address",
        {"messages": picture(type="url", url="http://x.test/a.png")},
        "messages.0.content.0.image.source.url.url: Only HTTPS URLs are supported.",
    ),
    (
        "base64",
        {"messages": picture(type="base64", media_type="image/png", data="A")},
        "messages.0.content.0.image.source.base64.data: invalid base64 data",
    ),
    ("budget", {"model": NEW} | THINKING, '"thinking.type.enabled" is not supported for this'),
    ("adaptive", {"thinking": {"type": "adaptive"}}, "adaptive thinking is not supported on this"),
    (
        "small budget",
        {"thinking": {"type": "enabled", "budget_tokens": 1_023}},
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
    ),
    (
        "no room",
        {"max_tokens": 1_024, "thinking": BUDGET},
        "`max_tokens` must be greater than `thinking.budget_tokens`.",
    ),
    ("effort", {"output_config": {"effort": "low"}}, "This model does not support the effort"),
    (
        "much effort",
        {"model": ADAPTIVE, "output_config": {"effort": "xhigh"}},
        "This model does not support effort level 'xhigh'. Supported levels: high, low, max,",
    ),
    (
        "no signature",
        {
            "messages": said(
                "Hi", [{"type": "thinking", "thinking": "x", "signature": ""}, text("x")], "Hi"
            )
        },
        "messages.1.content.0: Invalid `signature` in `thinking` block",
    ),
    (
        "foreign data",
        {"messages": said("Hi", [{"type": "redacted_thinking", "data": "eHg="}, text("x")], "Hi")},
        "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
    ),
    (
        "called without a thought",
        calling([RESULT]) | THINKING,
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found",
    ),
    (
        "begun without a thought",
        {"messages": said("Hi", "Well")} | THINKING,
        "messages.1.content.type: Expected `thinking` or `redacted_thinking`, but found `text`.",
    ),
    ("name", {"tools": [{**LOOK, "name": "a b"}]}, "tools.0.custom.name: String should match"),
    ("two names", {"tools": [LOOK, LOOK]}, "tools: Tool names must be unique."),
    (
        "untyped schema",
        {"tools": [{"name": "look", "input_schema": {}}]},
        "tools.0.custom.input_schema.type: Field required",
    ),
    (
        "list for an object",
        {"tools": [{"name": "look", "input_schema": {"type": "array"}}]},
        "tools.0.custom.input_schema.type: Input should be 'object'",
    ),
    (
        "choice of objects",
        {"tools": [{"name": "look", "input_schema": {"type": "object", "anyOf": [{}]}}]},
        "tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf",
    ),
    ("choice", {"tool_choice": {"type": "auto"}}, "tool_choice: tool_choice may only be specified"),
    (
        "choice of another",
        {"tools": [LOOK], "tool_choice": {"type": "tool", "name": "see"}},
        "tool_choice: Tool 'see' not found in provided tools",
    ),
    (
        "forced",
        THINKING | {"tools": [LOOK], "tool_choice": {"type": "any"}},
        "Thinking may not be enabled when tool_choice forces tool use.",
    ),
    (
        "forced while adapting",
        ADAPTING | {"tools": [LOOK], "tool_choice": {"type": "tool", "name": "look"}},
        "Thinking may not be enabled when tool_choice forces tool use.",
    ),
    (
        "calls without tools",
        {"messages": said("Hi", [CALL], [RESULT])},
        "Requests which include `tool_use` or `tool_result` blocks must define tools.",
    ),
    (
        "id",
        calling([RESULT | {"tool_use_id": "a:0"}], calls=(CALL | {"id": "a:0"},)),
        "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
    ),
    (
        "name of a call",
        calling([RESULT], calls=(CALL | {"name": "a.b"},)),
        "messages.1.content.0.tool_use.name: String should match pattern",
    ),
    (
        "two ids",
        calling([RESULT], calls=(CALL, CALL)),
        "messages.1.content.1: `tool_use` ids must be unique",
    ),
    (
        "unanswered",
        calling("Never mind."),
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after:"
        " toolu_1. Each `tool_use` block must have",
    ),
    ("unanswered at the end", calling(), "messages.1: `tool_use` ids were found without"),
    (
        "half answered",
        calling([RESULT], calls=(CALL, CALL | {"id": "toolu_2"})),
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after:"
        " toolu_2.",
    ),
    (
        "answered after something else",
        calling([text("So:"), RESULT]),
        "messages.1: `tool_use` ids were found without",
    ),
    (
        "uncalled",
        {"tools": [LOOK], "messages": said([RESULT])},
        "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1.",
    ),
    (
        "answered twice",
        calling([RESULT, RESULT]),
        "messages.2.content.1: each tool_use must have a single result. Found multiple",
    ),
    (
        "found without a search",
        {"messages": said("Hi", [web_search("tea", "https://tea.test")[1], text("x")], "Hi")},
        "messages.1.content.0: unexpected `tool_use_id` found in `web_search_tool_result` blocks:",
    ),
    ("open", schema(type="object"), "output_config.format.schema: For 'object' type, 'additional"),
    (
        "bounded",
        schema(type="array", items={"type": "integer", "minimum": 1}),
        "output_config.format.schema: For 'integer' type, property 'minimum' is not supported",
    ),
    (
        "many",
        schema(type="array", items={"type": "string"}, minItems=2),
        "output_config.format.schema: For 'array' type, 'minItems' values other than 0 or 1 are",
    ),
    (
        "one of",
        schema(oneOf=[{"type": "string"}]),
        "output_config.format.schema: Schema type 'oneOf' is not supported",
    ),
    (
        "recursive",
        schema(**{"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}}),
        "output_config.format.schema: Circular reference detected in schema definitions",
    ),
    (
        "open and strict",
        {"tools": [{**LOOK, "strict": True}]},
        "tools.0.custom.input_schema: For 'object' type, 'additionalProperties' must be",
    ),
]
