"""Conversations that stay with a backend, where the provider's cache knows how their prompt begins.

Their home is computed: rendezvous hashing (Thaler and Ravishankar, "A Name-Based Mapping Scheme for
Rendezvous", 1996) gives each conversation its own order of the backends. So all replicas agree, and
a backend that is lost moves its own conversations only. No backend takes much more than its share,
after "Consistent Hashing with Bounded Loads" (Mirrokni, Thorup and Zadimoghaddam, 2016).
Those that had to leave their home are in `moved.py`.
"""

from __future__ import annotations

from hashlib import blake2b
from math import log
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airouter.routing.catalog import Backend

T = TypeVar("T")

BOUND = 1.25
"""Requests in flight at a backend, at most, as a multiple of its share."""
SLACK = 4
"""Requests more than that: of a few, some more or less say nothing."""
HASH_BYTES = 6
"""So many that a fraction of them is exact, and never 1."""


class StickyConversation(msgspec.Struct, eq=False):
    """The conversation of one request, by the key that all its requests share."""

    key: bytes
    ttl: float = 0.0
    """Seconds for which it stays where it was answered, once it had to move."""
    is_away: bool = False
    """True once the request was sent elsewhere than to the home of its conversation."""


def first_choice(key: bytes, backends: Iterable[Backend[T]]) -> Backend[T]:
    """Return the backend that comes first for a conversation. There is at least one."""
    return max(backends, key=lambda backend: rank(key, backend))


def next_with_room(key: bytes, backends: Sequence[Backend[T]], fair: float) -> Backend[T]:
    """Return the first backend of a conversation that takes one more; without any the first."""
    order = sorted(backends, key=lambda backend: rank(key, backend), reverse=True)
    return next((backend for backend in order if takes_more(backend, fair)), order[0])


def fair_load(backends: Sequence[Backend[T]]) -> float:
    """Return the requests in flight that a unit of weight may have, with one more among them."""
    in_flight = sum(backend.load.in_flight for backend in backends) + 1
    return BOUND * in_flight / sum(backend.weight for backend in backends)


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
