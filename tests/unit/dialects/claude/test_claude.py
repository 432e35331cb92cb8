"""What each generation of Claude takes."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.claude import traits_of
from airouter.dialects.claude.structured import closed
from airouter.dialects.claude.thinking import lacks_reasoning, thinking_fields
from airouter.dialects.conversation import (
    Reasoning,
    Signature,
    Text,
    Thinking,
    ToolCall,
    Turn,
    Unsupported,
)


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("claude-3-5-haiku-latest", (3, 5)),
        ("claude-3-7-sonnet-20250219", (3, 7)),
        ("claude-3-opus-20240229", (3, 0)),
        ("claude-sonnet-4-20250514", (4, 0)),
        ("claude-opus-4-1-20250805", (4, 1)),
        ("claude-sonnet-4-5@20250929", (4, 5)),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", (4, 5)),
        ("anthropic.claude-opus-4-6-v1:0", (4, 6)),
        ("claude-opus-5", (5, 0)),
        ("my-finetune", (99, 0)),
    ],
)
def test_a_version_is_read_from_the_names_of_every_cloud(
    model: str, version: tuple[int, int]
) -> None:
    assert traits_of(model).version == version


@pytest.mark.parametrize(
    ("model", "max_tokens"),
    [
        ("claude-3-opus-20240229", 4_096),
        ("claude-3-5-haiku-latest", 8_192),
        ("claude-opus-4-1-20250805", 32_000),
        ("claude-sonnet-4-5", 64_000),
    ],
)
def test_an_answer_may_be_as_long_as_the_generation_writes(model: str, max_tokens: int) -> None:
    assert traits_of(model).max_tokens == max_tokens


@pytest.mark.parametrize(
    ("model", "thinking", "fields"),
    [
        ("claude-sonnet-4-5", None, {}),
        ("claude-sonnet-4-5", Thinking(mode="off"), {"thinking": {"type": "disabled"}}),
        ("claude-3-5-haiku-latest", Thinking(effort="none"), {}),
        (
            "claude-sonnet-4-5",
            Thinking(effort="low"),
            {"thinking": {"type": "enabled", "budget_tokens": 2_048}},
        ),
        (
            "claude-sonnet-4-5",
            Thinking(mode="on", budget=5_000, summary="omitted"),
            {"thinking": {"type": "enabled", "budget_tokens": 5_000, "display": "omitted"}},
        ),
        (
            "claude-sonnet-4-5",
            Thinking(mode="on", effort="none"),
            {"thinking": {"type": "enabled", "budget_tokens": 8_192}},
        ),
        ("claude-sonnet-4-5", Thinking(summary="auto"), {}),
        (
            "claude-opus-4-7",
            Thinking(effort="xhigh", summary="auto"),
            {
                "thinking": {"type": "adaptive", "display": "summarized"},
                "output_config": {"effort": "xhigh"},
            },
        ),
        (
            "claude-opus-4-7",
            Thinking(mode="on", budget=9_000),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
        ),
        (
            "claude-opus-4-6",
            Thinking(effort="xhigh"),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
        ),
        (
            "claude-opus-4-6",
            Thinking(effort="minimal"),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        ),
    ],
)
def test_thinking_is_asked_for_in_the_words_of_the_generation(
    model: str, thinking: Thinking | None, fields: dict[str, Any]
) -> None:
    assert thinking_fields(thinking, traits_of(model)) == fields


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("claude-3-5-haiku-latest", Thinking(effort="high")),
        ("claude-sonnet-4-5", Thinking(mode="on", budget=100)),
    ],
)
def test_thinking_that_cannot_be_is_refused(model: str, thinking: Thinking) -> None:
    with pytest.raises(Unsupported) as caught:
        thinking_fields(thinking, traits_of(model))
    assert caught.value.field == "thinking"


def test_a_turn_of_tools_keeps_its_own_reasoning_or_lacks_it() -> None:
    call = ToolCall(id="1", name="f", arguments="{}")
    own = Reasoning(text="Hm", signature=Signature(maker="claude-opus-4-1", value="s"))
    foreign = Reasoning(text="Hm", signature=Signature(maker="gemini", value="s"))

    def lacks(*parts: Any) -> bool:
        return lacks_reasoning([Turn(role="assistant", parts=parts)], "claude-opus-4-1")

    assert not lacks(own, call)
    assert lacks(foreign, call)
    assert lacks(call)
    assert not lacks(Text(text="Hi"))
    assert not lacks_reasoning([], "claude-opus-4-1")


def test_a_schema_is_closed_and_its_bounds_are_told_in_words() -> None:
    schema = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 1, "description": "Years"},
            "tags": {"type": "array", "minItems": 3, "items": {"type": "string", "maxLength": 5}},
            "either": {"oneOf": [{"type": "object", "properties": {}}, True]},
        },
        "$defs": {"deep": {"type": "object"}},
    }
    assert closed(schema) == {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "description": "Years\n\n{minimum: 1}"},
            "tags": {
                "type": "array",
                "items": {"type": "string", "description": "{maxLength: 5}"},
                "description": "{minItems: 3}",
            },
            "either": {
                "anyOf": [
                    {"type": "object", "properties": {}, "additionalProperties": False},
                    True,
                ]
            },
        },
        "$defs": {"deep": {"type": "object", "additionalProperties": False}},
        "additionalProperties": False,
    }
