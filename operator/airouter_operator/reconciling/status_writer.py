"""The status writer: a status that is not as it should be is written, and Events about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airouter_operator.kube.errors import NotFound
from airouter_operator.kube.objects import generation_of, uid_of
from airouter_operator.kube.paths import status_at
from airouter_operator.reconciling.status import lacks_nothing_but_pods, routerconfig_status
from airouter_operator.retry import RetryLater
from airouter_operator.watching.kinds import ROUTER_CONFIGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter_operator.delivering.pods import Pods
    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import Object, ObjectKey
    from airouter_operator.publication import Publication
    from airouter_operator.reconciling.events import EventRecorder
    from airouter_operator.reconciling.outcome import ReconcileOutcome
    from airouter_operator.watching.mirror import Mirror


class StatusWriter:
    """Writes the status of RouterConfigs."""

    def __init__(
        self,
        kube: KubeApi,
        mirror: Mirror,
        pods: Pods,
        events: EventRecorder,
        clock: Callable[[], float],
    ) -> None:
        """Write what `pods` have acknowledged, at the time of `clock` (Unix seconds)."""
        self._kube = kube
        self._mirror = mirror
        self._pods = pods
        self._events = events
        self._clock = clock

    async def write(
        self,
        key: ObjectKey,
        config: Object,
        outcome: ReconcileOutcome,
        publication: Publication | None,
    ) -> None:
        """Write the status, unless it is there, and Events for the conditions that have turned.

        Raises `KubeError`, or `RetryLater` where only pods are missing that may be on their way.
        """
        tally = self._pods.tally(key, publication.record.version if publication else "")
        before = config.get("status") or {}
        now = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        generation = generation_of(config)
        status = routerconfig_status(generation, outcome, publication, tally, before, now)
        if status == before:
            return
        if self._pods.may_come_back() and lacks_nothing_but_pods(status, before):
            raise RetryLater("pods may come back that another operator has known")
        try:
            written = await self._kube.apply(status_at(key), status_manifest(config, status))
        except NotFound:
            return  # the RouterConfig was deleted meanwhile
        # The mirror must not wait for the watch: the next reconciliation compares with this status.
        self._mirror.put(ROUTER_CONFIGS, key, written)
        await self._events.record(config, before, status)


def status_manifest(config: Object, status: Object) -> Object:
    """Return the manifest by which a status is applied to the very RouterConfig it is about."""
    metadata = config["metadata"]
    return {
        "apiVersion": config["apiVersion"],
        "kind": config["kind"],
        # With its uid, the status of a RouterConfig that is gone does not get to its successor.
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": uid_of(config),
        },
        "status": status,
    }
