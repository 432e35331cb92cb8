"""The dispatcher: each object that a watch reports goes into the mirror, and then a key is due.

`handlers.py` calls it for kopf's watches, `resync.py` for what they have missed, and the stream for
pods that have something new to say. Only the replica that leads puts keys into the queue. What was
just listed need not have changed, and waits for what has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter_operator.kube.objects import object_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter_operator.kube.objects import Object, ObjectKey
    from airouter_operator.watching.kinds import WatchedKind
    from airouter_operator.watching.mirror import Mirror
    from airouter_operator.watching.queue import KeyedQueue
    from airouter_operator.watching.watches import Watches

DELETED, LISTED = "DELETED", None
"""Types of kopf's events; the latter is that of objects which a watch lists when it begins."""


class Dispatcher:
    """Decides which RouterConfigs and RouterKeys are due for what was reported."""

    def __init__(
        self,
        mirror: Mirror,
        watches: Watches,
        queue: KeyedQueue[ObjectKey],
        key_queue: KeyedQueue[ObjectKey],
        leads: Callable[[], bool],
    ) -> None:
        self._mirror = mirror
        self._watches = watches
        self._queue = queue
        self._key_queue = key_queue
        self._leads = leads
        self.has_synced = False
        """Whether the mirror has every object there is; nothing is reconciled before."""

    def begin(self) -> None:
        """Have everything reconciled, as the mirror has all of it."""
        self.has_synced = True
        self.look_at_all()

    def changed(self, kind: WatchedKind, body: Object, event: str | None) -> None:
        """Take an event of kopf into the mirror, and act on it, by its type."""
        key = object_key(body)
        self._watches.heard(kind, key.namespace)
        if event != DELETED:
            self._mirror.notice(kind, key, body)
        if event is LISTED:
            self._watches.restarted.set()
            self._look_at_concerned(kind, body)
        else:
            if event == DELETED:
                self._mirror.drop(kind, body)
            self.add_concerned(kind, body)

    def add_concerned(self, kind: WatchedKind, body: Object) -> None:
        """Have the RouterConfigs and RouterKeys reconciled that an object is about."""
        for config in self._mirror.concerned(kind, body):
            self.add(config)
        for router_key in self._mirror.concerned_keys(kind, object_key(body)):
            self.add_key(router_key)

    def look_at_all(self) -> None:
        """Have every RouterConfig and every RouterKey reconciled, those that wait for it first."""
        for config in self._mirror.configs:
            self._look_at(config)
        for router_key in self._mirror.keys:
            self._look_at_key(router_key)

    def add(self, config: ObjectKey) -> None:
        """Have one RouterConfig reconciled soon, if this replica leads."""
        if self._acts():
            self._queue.add(config)

    def add_key(self, router_key: ObjectKey) -> None:
        """Have one RouterKey reconciled soon, if this replica leads."""
        if self._acts():
            self._key_queue.add(router_key)

    def _look_at_concerned(self, kind: WatchedKind, body: Object) -> None:
        for config in self._mirror.concerned(kind, body):
            self._look_at(config)
        for router_key in self._mirror.concerned_keys(kind, object_key(body)):
            self._look_at_key(router_key)

    def _look_at(self, config: ObjectKey) -> None:
        if not self._mirror.configs.is_observed(config):
            self.add(config)
        elif self._acts():
            self._queue.look_at(config)

    def _look_at_key(self, router_key: ObjectKey) -> None:
        if not self._mirror.keys.is_observed(router_key):
            self.add_key(router_key)
        elif self._acts():
            self._key_queue.look_at(router_key)

    def _acts(self) -> bool:
        return self.has_synced and self._leads()
