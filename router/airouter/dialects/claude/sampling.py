"""Sampling as Claude takes it: less with every generation, and nothing at all in the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import Unsupported

if TYPE_CHECKING:
    from airouter.dialects.claude.models import Traits
    from airouter.dialects.conversation import Sampling

SAMPLING = ("temperature", "top_p", "top_k")
NO_FIELD = ("frequency_penalty", "presence_penalty", "logit_bias", "seed")
"""Settings for which neither Messages nor Converse has a field, for any model."""
ONE_OF_TWO = (4, 5)
"""The first Claude that takes either a temperature or a top_p."""


def check_sampling(sampling: Sampling) -> None:
    """Raise `Unsupported` for a setting that has no field."""
    for name in NO_FIELD:
        if getattr(sampling, name) is not None:
            raise Unsupported(name, "does not take it")


def given_sampling(sampling: Sampling) -> dict[str, float]:
    """Return the settings that a client gave, by name."""
    return {name: value for name in SAMPLING if (value := getattr(sampling, name)) is not None}


def check_temperature(given: dict[str, float]) -> None:
    """Raise `Unsupported` for a temperature above 1, which only OpenAI and Google have."""
    if given.get("temperature", 0) > 1:
        raise Unsupported("temperature", "takes a temperature from 0 to 1")


def taken_sampling(sampling: Sampling, traits: Traits) -> dict[str, float]:
    """Return the settings for a model, without those that change nothing. Raises `Unsupported`."""
    given = given_sampling(sampling)
    if not given:
        return given
    if not traits.samples:
        if "top_k" not in given and set(given.values()) == {1}:
            return {}  # as it is anyway, but such a model refuses the fields themselves
        raise Unsupported(next(iter(given)), "draws its tokens as it will")
    check_temperature(given)
    if traits.version >= ONE_OF_TWO and "temperature" in given and "top_p" in given:
        if given["top_p"] != 1:
            raise Unsupported("top_p", "takes either a temperature or a top_p")
        del given["top_p"]
    return given
