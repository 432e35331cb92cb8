"""Families at Bedrock, told by the id of a model, of a profile, or by an ARN."""

from __future__ import annotations

import pytest

from airouter.dialects.converse.models import traits_of

PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("anthropic.claude-3-haiku-20240307-v1:0", (3, 0)),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", (3, 5)),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", (3, 7)),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", (4, 0)),
        ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", (4, 5)),
        ("us.anthropic.claude-opus-4-6-v1", (4, 6)),
        ("global.anthropic.claude-opus-4-7", (4, 7)),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-1-20250805-v1:0",
            (4, 1),
        ),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-6-v1", (4, 6)),
    ],
)
def test_a_claude_is_known_by_its_generation(model: str, version: tuple[int, int]) -> None:
    traits = traits_of(model).claude
    assert traits is not None
    assert traits.version == version


@pytest.mark.parametrize(
    ("model", "results_alone", "assistant_first", "effort_field", "caches"),
    [
        ("us.meta.llama3-3-70b-instruct-v1:0", True, False, False, False),
        ("mistral.mistral-large-2407-v1:0", True, False, False, False),
        ("qwen.qwen3-32b-v1:0", False, True, False, False),
        ("openai.gpt-oss-20b-1:0", False, False, True, False),
        ("amazon.nova-lite-v1:0", False, False, False, True),
        ("us.deepseek.r1-v1:0", False, False, False, False),
        (PROFILE, False, False, False, True),
    ],
)
def test_other_families_have_their_own_ways(
    model: str, results_alone: bool, assistant_first: bool, effort_field: bool, caches: bool
) -> None:
    traits = traits_of(model)
    assert traits.claude is None
    found = (traits.results_alone, traits.assistant_first, traits.effort_field, traits.caches)
    assert found == (results_alone, assistant_first, effort_field, caches)
