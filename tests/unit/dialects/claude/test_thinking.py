"""Thinking as each generation of Claude is asked for it."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.claude import traits_of
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
