"""Gauges of the operator: the state of every room, read when Prometheus asks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from airouter_operator.watching.kinds import WATCHED_KINDS

if TYPE_CHECKING:
    from airouter_operator.delivering.channels import Channels
    from airouter_operator.delivering.pods import Pods
    from airouter_operator.kube.objects import ObjectKey
    from airouter_operator.leading.lease import Leadership
    from airouter_operator.observing.metrics import OperatorMetrics
    from airouter_operator.watching.mirror import Mirror
    from airouter_operator.watching.queue import KeyedQueue
    from airouter_operator.watching.resync import Resync
    from airouter_operator.watching.watches import Watches


def observe_watching(
    metrics: OperatorMetrics,
    mirror: Mirror,
    watches: Watches,
    resync: Resync,
    queue: KeyedQueue[ObjectKey],
    key_queue: KeyedQueue[ObjectKey],
) -> None:
    """Show what is known, what waits, and how long ago each source was heard."""
    metrics.observe("queue_depth", "RouterConfigs that wait.", lambda: len(queue))
    metrics.observe("key_queue_depth", "RouterKeys that wait.", lambda: len(key_queue))
    metrics.observe("routerkeys", "RouterKeys that are known.", lambda: len(mirror.keys))
    metrics.observe("routerconfigs", "RouterConfigs that are known.", lambda: len(mirror.configs))
    metrics.observe("secrets", "Secrets that are known.", lambda: len(mirror.secrets))
    services = mirror.services.services
    metrics.observe("services", "Services that are known.", lambda: len(services))
    ages = {kind.plural: partial(watches.age, kind) for kind in WATCHED_KINDS}
    what = "Time since a watch has told of anything."
    metrics.observe_each("watch_age_seconds", what, "kind", ages)
    metrics.observe("resync_age_seconds", "Time since all objects were last listed.", resync.age)


def observe_delivering(metrics: OperatorMetrics, channels: Channels, pods: Pods) -> None:
    """Show the pods that are connected, and those that run what is published."""

    def programmed() -> int:
        return sum(pods.tally(key, version).programmed for key, version in channels.versions())

    metrics.observe("pods_connected", "Pods that poll.", pods.count)
    metrics.observe("pods_programmed", "Pods that run what is published.", programmed)


def observe_leading(metrics: OperatorMetrics, leadership: Leadership) -> None:
    """Show the replica that leads."""
    metrics.observe("leading", "1 for the replica that leads.", lambda: leadership.leading)
