"""How much a model is asked to reason, for clients who say it in Anthropic's words."""

from __future__ import annotations

import pytest

from airouter.dialects.conversation import Json
from unit.dialects.chat.asking import QWEN, in_messages, sent

HELLO: Json = {"role": "user", "content": "Hello"}
OFF: Json = {"type": "disabled"}


@pytest.mark.parametrize(
    ("model", "least"),
    [
        ("gpt-5.2", "none"),
        ("gpt-5.1-codex-max", "none"),
        ("gpt-5", "minimal"),
        ("openai/gpt-5-mini", "minimal"),
        ("gpt-5-codex", "low"),
        ("gpt-5-pro", "high"),
        ("o3", "low"),
        ("openai/gpt-oss-120b", "low"),
    ],
)
def test_a_model_that_shall_not_reason_does_it_as_little_as_it_can(model: str, least: str) -> None:
    assert sent(in_messages(HELLO, thinking=OFF), model=model)["reasoning_effort"] == least


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5-chat-latest", QWEN])
def test_a_model_of_which_nobody_knows_that_it_reasons_is_not_told_to_stop(model: str) -> None:
    assert "reasoning_effort" not in sent(in_messages(HELLO, thinking=OFF), model=model)


@pytest.mark.parametrize(("budget", "effort"), [(1024, "low"), (8192, "medium"), (32000, "high")])
def test_a_budget_becomes_the_effort_that_spends_about_so_much(budget: int, effort: str) -> None:
    thinking = {"type": "enabled", "budget_tokens": budget}
    body = sent(in_messages(HELLO, thinking=thinking, max_tokens=64_000), model="gpt-5")
    assert body["reasoning_effort"] == effort
