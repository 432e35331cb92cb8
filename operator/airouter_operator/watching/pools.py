"""The InferencePools that RouterConfigs name, each with the addresses of its pods that are ready.

No watch tells of them: their kind belongs to the Gateway API Inference Extension, which need not be
installed, and to watch the pods of a cluster for the few of a pool would cost more than to read
those now and then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter_operator.kube.objects import ObjectKey


class PoolCache:
    """The pools that are needed, as they were read last."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._addresses: dict[ObjectKey, tuple[str, ...] | None] = {}
        self._read: dict[ObjectKey, float] = {}

    def take(self, pool: ObjectKey, addresses: tuple[str, ...] | None) -> None:
        """Take in what was read: addresses of pods that are ready, None for no such pool."""
        self._addresses[pool] = addresses
        self._read[pool] = self._clock()

    def was_read(self, pool: ObjectKey) -> bool:
        """Return whether a pool was ever read, whether it exists or not."""
        return pool in self._read

    def age(self, pool: ObjectKey) -> float:
        """Return for how many seconds a pool was not read; infinite if it never was."""
        return self._clock() - self._read.get(pool, float("-inf"))

    def addresses_of(self, pool: ObjectKey) -> tuple[str, ...] | None:
        """Return the addresses of pods that are ready, in order; None for no such pool."""
        return self._addresses.get(pool)

    def forget(self, pool: ObjectKey) -> None:
        """Forget a pool that nobody needs any more."""
        self._addresses.pop(pool, None)
        self._read.pop(pool, None)
