"""The liveness of kopf's watches: when each was last heard, and which of them is silent.

A watch can go silent for ever while its connection looks alive. `resync.py` finds out, `/healthz`
fails once a watch has been silent for too long, and kubelet restarts the operator.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from airouter_operator.watching.kinds import WatchedKind, kinds_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Watch(NamedTuple):
    """A watch of kopf: for a kind of objects, in a namespace or in the cluster."""

    kind: WatchedKind
    namespace: str | None

    def __str__(self) -> str:
        return f"{self.kind}" if self.namespace is None else f"{self.kind} in {self.namespace}"


class Watches:
    """All watches, and the time of each one's last sign of life."""

    def __init__(self, namespaces: Sequence[str | None], clock: Callable[[], float]) -> None:
        """Expect a watch of each kind in each namespace; None alone is the whole cluster."""
        self._clock = clock
        self._clusterwide = None in namespaces
        kinds = kinds_in(namespaces)
        self._heard = {Watch(kind, each): clock() for kind in kinds for each in namespaces}
        self._silent: dict[Watch, float] = {}
        self.restarted = asyncio.Event()
        """Set when a watch began anew, which never tells of what was deleted meanwhile."""

    def heard(self, kind: WatchedKind, namespace: str) -> None:
        """Take note that a watch has reported an object."""
        watch = self._watch(kind, namespace)
        self._heard[watch] = self._clock()
        self._silent.pop(watch, None)

    def missed(self, kind: WatchedKind, namespace: str) -> None:
        """Take note that a watch has not reported a change."""
        self._silent.setdefault(self._watch(kind, namespace), self._clock())

    def age(self, kind: WatchedKind) -> float:
        """Return the seconds since the quietest watch of a kind reported anything."""
        return self._clock() - min(at for watch, at in self._heard.items() if watch.kind is kind)

    def silent_for(self, seconds: float) -> list[Watch]:
        """Return the watches that missed a change so long ago and reported nothing since."""
        now = self._clock()
        return [watch for watch, since in self._silent.items() if now - since >= seconds]

    def _watch(self, kind: WatchedKind, namespace: str) -> Watch:
        return Watch(kind, None if self._clusterwide else namespace)
