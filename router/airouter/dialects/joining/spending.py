"""The cost of an answer that several streams made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from airouter.dialects.conversation import Usage

COUNTS = (
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)


def added(one: Usage | None, other: Usage) -> Usage:
    """Return the sum of what streams have cost; a count that neither tells stays None."""
    if one is None:
        return other
    sums = {name: summed(getattr(one, name), getattr(other, name)) for name in COUNTS}
    return msgspec.structs.replace(other, **sums)


def summed(one: int | None, other: int | None) -> int | None:
    """Return the sum of two counts, of which each may be unknown."""
    return other if one is None else one + (other or 0)
