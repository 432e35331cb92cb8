"""Generations of Claude, told by the name of a model."""

from __future__ import annotations

import pytest

from airouter.dialects.claude import traits_of
from airouter.dialects.conversation import Json
from unit.dialects.translation.crossing import sent


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
        ("claude-opus-9", (9, 0)),
        ("claude-opus-10", (99, 0)),
        ("claude-opus-4-10", (4, 10)),
        ("Claude-Opus-4.5", (4, 5)),
        ("claude-sonnet-latest", (99, 0)),
        ("claude-next", (99, 0)),
        ("claude-instant-1", (1, 0)),
        ("claude-instant-1.2", (1, 2)),
        ("claude-2", (2, 0)),
        ("claude-2.1", (2, 1)),
        ("anthropic.claude-v2:1", (2, 1)),
        ("anthropic.claude-instant-v1", (1, 0)),
    ],
)
def test_a_version_is_read_from_the_names_of_every_cloud(
    model: str, version: tuple[int, int]
) -> None:
    assert traits_of(model).version == version


@pytest.mark.parametrize(
    ("model", "max_tokens"),
    [
        ("claude-instant-1.2", 4_096),
        ("claude-2.1", 4_096),
        ("claude-3-opus-20240229", 4_096),
        ("claude-3-5-haiku-latest", 8_192),
        ("claude-opus-4-1-20250805", 32_000),
        ("claude-sonnet-4-5", 64_000),
    ],
)
def test_an_answer_may_be_as_long_as_the_generation_writes(model: str, max_tokens: int) -> None:
    assert traits_of(model).max_tokens == max_tokens


@pytest.mark.parametrize("model", ["my-opus", "Sonnet4", "prod_haiku", "myclaude", "claude_opus"])
def test_a_deployment_with_a_name_of_its_own_is_known_for_a_claude(model: str) -> None:
    assert traits_of(model).known


@pytest.mark.parametrize("model", ["octopus-v2", "mythosmax-l2-13b", "affable-chat"])
def test_a_word_that_has_the_name_of_a_family_in_it_is_another_maker_s(model: str) -> None:
    assert not traits_of(model).known


OTHERS = pytest.mark.parametrize("model", ["kimi-k2-thinking", "deepseek-chat", "GLM-4.6", "mine"])
HI: Json = {"role": "user", "content": "Hi"}


@OTHERS
def test_a_model_of_another_maker_is_asked_in_the_words_of_every_generation(model: str) -> None:
    wanted = {"name": "a", "schema": {"type": "object", "properties": {}}}
    form = {"type": "json_schema", "json_schema": wanted}
    body = sent("chat", "anthropic", model, messages=[HI], temperature=0.7, top_p=0.9)
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.7, 0.9, 8_192)
    thinking = sent("chat", "anthropic", model, messages=[HI], reasoning_effort="high")
    assert thinking["thinking"]["type"] == "enabled"
    assert "output_config" not in thinking
    held = sent("chat", "anthropic", model, messages=[HI], response_format=form)
    assert "output_config" not in held
    assert held["tool_choice"]["type"] == "tool"


@OTHERS
def test_what_clients_of_messages_ask_of_another_maker_passes_as_it_is(model: str) -> None:
    asked: Json = {
        "max_tokens": 9_000,
        "messages": [HI, {"role": "system", "content": "Be brief."}, HI],
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "high"},
    }
    assert sent("messages", "anthropic", model, **asked) == {"model": "m", **asked}


@pytest.mark.parametrize("model", ["claude-instant-1.2", "claude-2.1"])
def test_the_first_claudes_are_asked_for_no_more_than_they_know(model: str) -> None:
    body = sent("chat", "anthropic", model, messages=[HI], temperature=0.7)
    assert (body["temperature"], body["max_tokens"]) == (0.7, 4_096)
    asked = {"messages": [HI], "max_tokens": 9, "thinking": {"type": "adaptive"}}
    assert "thinking" not in sent("messages", "anthropic", model, **asked)
