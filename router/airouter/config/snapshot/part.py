"""The base of all parts of a snapshot, and the one that most others have."""

from __future__ import annotations

import msgspec


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """The base of all parts of a snapshot: immutable, and small when written as JSON."""


class Limits(Part, frozen=True):
    """Ceilings; None is unlimited."""

    rpm: int | None = None
    tpm: int | None = None
    max_concurrent: int | None = None

    def lowered_to(self, other: Limits) -> Limits:
        """Return the lower one of each two ceilings."""
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Limits(*(min(filter(None, pair), default=None) for pair in pairs))
