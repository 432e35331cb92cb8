"""Sums of usage: what several calls, or streams, have cost for one answer; and what cannot be."""

from __future__ import annotations

from operator import attrgetter

import msgspec

from airouter.dialects.conversation import Usage

COUNTS = tuple(name for name in Usage.__struct_fields__ if name != "native")
counts_of = attrgetter(*COUNTS)
MOST_TOKENS = 10**9
"""Tokens that no answer takes. Limits, ledgers and spans have room for what is not above it."""


def plausible(usage: Usage) -> Usage | None:
    """Return usage without counts below 0 or above `MOST_TOKENS`, which nobody knows then.

    None where the input or the output is such a one.
    """
    for count in counts_of(usage):
        if count and not 0 < count <= MOST_TOKENS:
            break
    else:
        return usage
    wrong = [name for name in COUNTS if not 0 <= (getattr(usage, name) or 0) <= MOST_TOKENS]
    if "input_tokens" in wrong or "output_tokens" in wrong:
        return None
    return msgspec.structs.replace(usage, **dict.fromkeys(wrong))


def added(one: Usage | None, other: Usage) -> Usage:
    """Return the sum of what two have cost; a count that neither tells stays None."""
    if one is None:
        return other
    sums = {name: summed(getattr(one, name), getattr(other, name)) for name in COUNTS}
    return msgspec.structs.replace(other, **sums)


def beyond(total: Usage, spent: Usage) -> Usage:
    """Return what a sum has beyond a part of it, no count below 0."""
    rest = {name: remaining(getattr(total, name), getattr(spent, name)) for name in COUNTS}
    return msgspec.structs.replace(total, **rest)


def summed(one: int | None, other: int | None) -> int | None:
    """Return the sum of two counts, of which each may be unknown."""
    return other if one is None else one + (other or 0)


def remaining(total: int | None, spent: int | None) -> int | None:
    """Return what is left of a count, which may be unknown."""
    return None if total is None else max(0, total - (spent or 0))
