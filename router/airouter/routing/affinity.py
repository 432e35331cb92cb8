"""Conversations that stay with a backend, where the provider's cache knows how their prompt begins.

Nothing is remembered: rendezvous hashing (Thaler and Ravishankar, "A Name-Based Mapping Scheme for
Rendezvous", 1996) gives each conversation its own order of the backends. So all replicas agree, and
a backend that is lost moves its own conversations only. No backend takes much more than its share,
after "Consistent Hashing with Bounded Loads" (Mirrokni, Thorup and Zadimoghaddam, 2016).
"""

from __future__ import annotations

from hashlib import blake2b
from math import log
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.routing.catalog import Backend

T = TypeVar("T")

BOUND = 1.25
"""Requests in flight at a backend, at most, as a multiple of its share."""
SLACK = 4
"""Requests more than that: of a few, some more or less say nothing."""
HASH_BYTES = 6
"""So many that a fraction of them is exact, and never 1."""


def home_of(key: bytes, backends: Sequence[Backend[T]]) -> Backend[T]:
    """Return the backend that a conversation goes to: its first one that has room.

    There is at least one backend.
    """
    first = max(backends, key=lambda backend: rank(key, backend))
    in_flight = sum(backend.load.in_flight for backend in backends) + 1
    fair = BOUND * in_flight / sum(backend.weight for backend in backends)
    if takes_more(first, fair):
        return first
    others = sorted(backends, key=lambda backend: rank(key, backend), reverse=True)
    return next((backend for backend in others if takes_more(backend, fair)), first)


def rank(key: bytes, backend: Backend[T]) -> float:
    """Return the place of a backend for a conversation: the highest is where it is at home.

    By these, each backend gets a share by its weight (Schindelhauer and Schomaker, 2005). The hash
    is the same in every process.
    """
    digest = blake2b(key + backend.seat, digest_size=HASH_BYTES).digest()
    chance = (int.from_bytes(digest, "big") + 0.5) / 256**HASH_BYTES
    return -backend.weight / log(chance)


def takes_more(backend: Backend[T], fair: float) -> bool:
    """Return whether a backend may take one more; `fair` is what a unit of weight may have."""
    return backend.load.in_flight + 1 <= fair * backend.weight + SLACK
