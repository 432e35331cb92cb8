"""How tokens are drawn: what Converse has words for, and what each Claude takes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import Unsupported

if TYPE_CHECKING:
    from airouter.dialects import claude
    from airouter.dialects.conversation import Sampling
    from airouter.dialects.converse.models import Traits

TAKEN = ("temperature", "top_p", "top_k")
NEVER = ("frequency_penalty", "presence_penalty", "logit_bias", "seed")
ONE_OF_TWO = (4, 5)
"""The first Claude that takes either a temperature or a top_p."""


def sampling_of(sampling: Sampling, traits: Traits) -> dict[str, float]:
    """What was asked for, by our names. Raises `Unsupported`."""
    for name in NEVER:
        if getattr(sampling, name) is not None:
            raise Unsupported(name, "does not take it")
    given = {name: getattr(sampling, name) for name in TAKEN}
    given = {name: value for name, value in given.items() if value is not None}
    if traits.claude is not None:
        given = by_claude(given, traits.claude)
    elif "top_k" in given:
        raise Unsupported("top_k", "cannot sample from the k likeliest tokens")
    if given.get("temperature", 0) > 1:
        raise Unsupported("temperature", "takes a temperature from 0 to 1")
    return given


def by_claude(given: dict[str, float], traits: claude.Traits) -> dict[str, float]:
    """What a Claude takes of it; what changes nothing is left out. Raises `Unsupported`."""
    if given and not traits.samples:
        if "top_k" not in given and set(given.values()) == {1}:
            return {}
        raise Unsupported(next(iter(given)), "draws its tokens as it will")
    if traits.version >= ONE_OF_TWO and {"temperature", "top_p"} <= set(given):
        if given["top_p"] != 1:
            raise Unsupported("top_p", "takes either a temperature or a top_p")
        del given["top_p"]
    return given
