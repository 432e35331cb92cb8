"""Ownership of a RouterConfig: one of two operators that serve it by mistake gives way.

A Lease keeps the replicas of one operator apart, but an operator in another namespace has a Lease
of its own. Each would put its own address into the snapshot and its own pods into the status, as
fast as it sees what the other wrote. So the one whose address sorts first goes on, and the other
looks again now and then, because the first may be gone by then.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airouter_operator.retry import RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter_operator.kube.objects import ObjectKey

logger = logging.getLogger("airouter.operator")

GIVING_WAY = 300.0
"""Seconds."""


class Ownership:
    """The snapshots that name this operator, and those that another one took over."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        """Own what names `url`, the root of this operator's stream."""
        self._url = url
        self._clock = clock
        self._held: set[ObjectKey] = set()
        self._until: dict[ObjectKey, float] = {}

    def check_owner(self, key: ObjectKey, url: str) -> None:
        """Take note of the stream that a snapshot names. Raises `RetryLater` to give way."""
        if url == self._url:
            self._held.add(key)
            return
        # Only a snapshot that this operator has held is disputed. One that names another address
        # from the start was left by an operator that is gone, and is taken over.
        if key in self._held and url < self._url:
            self._until[key] = self._clock() + GIVING_WAY
            logger.warning(
                "%s: the operator at %s serves it, too, so this one gives way; "
                "let a namespace be watched by one operator only",
                key,
                url,
            )
        self._held.discard(key)
        if self.gives_way(key):
            raise RetryLater(f"the operator at {url} serves it")

    def gives_way(self, key: ObjectKey) -> bool:
        """Return whether another operator serves a RouterConfig, and so its RouterKeys."""
        return self._clock() < self._until.get(key, 0.0)

    def forget(self, key: ObjectKey) -> None:
        """Forget a RouterConfig that is gone."""
        self._held.discard(key)
        self._until.pop(key, None)

    def forget_all(self) -> None:
        """Forget everything: another replica has led meanwhile, and named itself."""
        self._held.clear()
        self._until.clear()
