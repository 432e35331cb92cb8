"""Usage as Google counts it: thoughts and results of tools apart, and all of it by modality."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from airouter.dialects.conversation import Usage
from airouter.dialects.spending import added

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.gemini.schema import ModalityCount, UsageMetadata


def parse_usage(counts: UsageMetadata) -> Usage:
    """Return usage from Google's numbers; audio in the input is told without what is cached."""
    prompt, results = counts.prompt_token_count, counts.tool_use_prompt_token_count
    given, made = counts.prompt_tokens_details, counts.candidates_tokens_details
    spoken = modality_tokens("AUDIO", given)
    if spoken:
        spoken -= modality_tokens("AUDIO", counts.cache_tokens_details) or 0
    return Usage(
        input_tokens=None if prompt is None else prompt + (results or 0),
        output_tokens=(counts.candidates_token_count or 0) + (counts.thoughts_token_count or 0),
        cached_tokens=counts.cached_content_token_count,
        reasoning_tokens=counts.thoughts_token_count,
        audio_input_tokens=spoken,
        audio_output_tokens=modality_tokens("AUDIO", made),
        image_output_tokens=modality_tokens("IMAGE", made),
    )


def modality_tokens(modality: str, counts: Sequence[ModalityCount] | None) -> int | None:
    """Return the tokens of one modality; None where they are not told by modality."""
    if counts is None:
        return None
    return sum(each.token_count for each in counts if each.modality == modality)


def summed_usage(counts: Sequence[UsageMetadata | None]) -> Usage | None:
    """Return the tokens of all calls; None as soon as one call does not tell its own."""
    known = [parse_usage(each) for each in counts if each is not None]
    return reduce(added, known) if known and len(known) == len(counts) else None
