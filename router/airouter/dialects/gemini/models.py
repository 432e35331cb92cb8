"""Generations of Gemini and what each takes, by the name of the model.

Source: Google's notes on models and on thinking. A name that is not known is taken for the newest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

NAME = re.compile(r"gemini-(?P<major>\d+)(?:\.(?P<minor>\d+))?(?:-(?P<family>pro|flash))?")


@dataclass(frozen=True)
class Traits:
    """The features of a model."""

    version: tuple[int, int]
    thinking: Literal["none", "budget", "level"]
    can_stop_thinking: bool
    least_budget: int
    """Tokens that it thinks with, where it does."""
    levels: tuple[str, ...]
    signs_calls: bool
    """The signature of every call of the current turn is demanded."""
    media_results: bool
    """The result of a tool may have images."""
    schema_with_tools: bool
    penalties: bool
    """Penalties are taken; newer models refuse all but zero."""


def traits_of(model: str) -> Traits:
    """Return the traits of a model."""
    found = NAME.search(model)
    version = (int(found["major"]), int(found["minor"] or 0)) if found else (99, 0)
    pro = "pro" in model
    third = version >= (3, 0)
    return Traits(
        version=version,
        thinking="level" if third else "budget" if version >= (2, 5) else "none",
        can_stop_thinking=not pro and not third,
        least_budget=128 if pro else 512 if "lite" in model else 1,
        levels=levels_of(version, pro=pro),
        signs_calls=third,
        media_results=third,
        schema_with_tools=third,
        penalties=version < (2, 5),
    )


def levels_of(version: tuple[int, int], *, pro: bool) -> tuple[str, ...]:
    """Return the levels of thinking that a model has."""
    if pro and version == (3, 0):
        return ("LOW", "HIGH")
    if pro or version >= (3, 7):
        return ("LOW", "MEDIUM", "HIGH")
    return ("MINIMAL", "LOW", "MEDIUM", "HIGH")
