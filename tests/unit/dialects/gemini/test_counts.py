"""Usage in Google's words."""

from __future__ import annotations

from typing import Any

import msgspec

from airouter.dialects.conversation import Usage
from airouter.dialects.gemini.counts import parse_usage, summed_usage
from airouter.dialects.gemini.schema import UsageMetadata


def counts(**fields: Any) -> UsageMetadata:
    return msgspec.convert(fields, UsageMetadata)


def of(modality: str, tokens: int) -> dict[str, Any]:
    return {"modality": modality, "tokenCount": tokens}


def test_thoughts_and_results_of_tools_are_part_of_output_and_input() -> None:
    told = counts(
        promptTokenCount=10,
        toolUsePromptTokenCount=5,
        candidatesTokenCount=7,
        thoughtsTokenCount=3,
    )
    assert parse_usage(told) == Usage(input_tokens=15, output_tokens=10, reasoning_tokens=3)


def test_audio_and_images_are_told_apart_from_text() -> None:
    told = counts(
        promptTokenCount=30,
        candidatesTokenCount=1_300,
        promptTokensDetails=[of("TEXT", 10), of("AUDIO", 20)],
        candidatesTokensDetails=[of("IMAGE", 1_290), of("TEXT", 10)],
    )
    assert parse_usage(told) == Usage(
        input_tokens=30,
        output_tokens=1_300,
        audio_input_tokens=20,
        audio_output_tokens=0,
        image_output_tokens=1_290,
    )


def test_audio_from_the_cache_is_counted_as_cached_alone() -> None:
    told = counts(
        promptTokenCount=30,
        cachedContentTokenCount=15,
        promptTokensDetails=[of("AUDIO", 30)],
        cacheTokensDetails=[of("AUDIO", 15)],
    )
    usage = parse_usage(told)
    assert (usage.cached_tokens, usage.audio_input_tokens) == (15, 15)


def test_the_sum_of_calls_has_their_images() -> None:
    call = counts(
        promptTokenCount=5,
        candidatesTokenCount=1_290,
        candidatesTokensDetails=[of("IMAGE", 1_290)],
    )
    summed = summed_usage([call, call])
    assert summed is not None
    assert (summed.input_tokens, summed.image_output_tokens) == (10, 2_580)
    assert summed_usage([]) is None
