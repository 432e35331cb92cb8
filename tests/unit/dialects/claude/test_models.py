"""Generations of Claude, told by the name of a model."""

from __future__ import annotations

import pytest

from airouter.dialects.claude import traits_of


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
