"""Sums of usage: what several calls, or streams, have cost for one answer."""

from __future__ import annotations

import msgspec

from airouter.dialects.conversation import Usage

COUNTS = tuple(name for name in Usage.__struct_fields__ if name != "native")


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
