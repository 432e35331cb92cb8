"""The status writer: a status that is not as it should be is written, and Events about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from airouter_operator.kube.errors import NotFound
from airouter_operator.kube.objects import generation_of, kubernetes_time, uid_of
from airouter_operator.kube.paths import status_at
from airouter_operator.reconciling.ban_events import BanEvents
from airouter_operator.reconciling.credential_health import (
    health_by_credential,
    health_in,
    seconds_to_next_end,
)
from airouter_operator.reconciling.status import (
    expected_in,
    lacks_nothing_but_pods,
    routerconfig_status,
)
from airouter_operator.retry import RetryLater
from airouter_operator.watching.kinds import ROUTER_CONFIGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airouter.bans.notice import Ban
    from airouter_operator.delivering.pods import Pods
    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import Object, ObjectKey
    from airouter_operator.publication import Publication
    from airouter_operator.reconciling.credential_health import BanSummary
    from airouter_operator.reconciling.events import EventRecorder
    from airouter_operator.reconciling.outcome import ReconcileOutcome
    from airouter_operator.reconciling.rechecks import Rechecks
    from airouter_operator.reconciling.serving_pods import ServingPods
    from airouter_operator.watching.mirror import Mirror


RECHECK = 5.0
"""Seconds until pods that are missing are looked for again."""


class ConditionGauges(Protocol):
    """Metrics of conditions."""

    def show(self, key: ObjectKey, conditions: Mapping[str, str]) -> None:
        """Show the status of each condition of a RouterConfig, by its type, and no other."""
        ...

    def clear(self) -> None:
        """Show no conditions."""
        ...


class StatusWriter:
    """Writes the status of RouterConfigs."""

    def __init__(
        self,
        kube: KubeApi,
        mirror: Mirror,
        pods: Pods,
        bans_of: Callable[[ObjectKey], list[Ban]],
        serving: ServingPods,
        events: EventRecorder,
        rechecks: Rechecks,
        gauges: ConditionGauges,
        clock: Callable[[], float],
    ) -> None:
        """Write what `pods` have acknowledged and banned, at the time of `clock` (Unix seconds)."""
        self._kube = kube
        self._mirror = mirror
        self._pods = pods
        self._bans_of = bans_of
        self._serving = serving
        self._events = events
        self._ban_events = BanEvents(events, clock)
        self._rechecks = rechecks
        self._gauges = gauges
        self._clock = clock

    def forget(self, key: ObjectKey) -> None:
        """Show nothing of a RouterConfig that is gone."""
        self._gauges.show(key, {})
        self._ban_events.forget(key)

    def forget_all(self) -> None:
        """Show nothing: another replica leads, or led."""
        self._gauges.clear()

    async def write(
        self,
        key: ObjectKey,
        config: Object,
        outcome: ReconcileOutcome,
        publication: Publication | None,
    ) -> Object:
        """Write the status, unless it is there, and Events for the conditions that have turned.

        Returns the status.

        Raises `KubeError`, or `RetryLater` where only pods are missing that may be on their way.
        """
        before = config.get("status") or {}
        version = publication.record.version if publication else ""
        serving = await self._serving.of(key)
        tally = self._pods.tally(key, version, serving, expected_in(before))
        if tally.missing:  # nobody reports that a pod serves no longer
            self._rechecks.within(key, RECHECK)
        now = kubernetes_time(self._clock())
        generation = generation_of(config)
        health = self._health(key, before)
        status = routerconfig_status(generation, outcome, publication, tally, health, before, now)
        self._gauges.show(key, {c["type"]: c["status"] for c in status["conditions"]})
        if status == before:
            return status
        if self._pods.may_come_back() and lacks_nothing_but_pods(status, before):
            raise RetryLater("pods may come back that another operator has known")
        try:
            written = await self._kube.apply(status_at(key), status_manifest(config, status))
        except NotFound:
            return status  # the RouterConfig was deleted meanwhile
        # The mirror must not wait for the watch: the next reconciliation compares with this status.
        self._mirror.put(ROUTER_CONFIGS, key, written)
        await self._events.record(config, before, status)
        await self._ban_events.record(key, config, before, status)
        return status

    def _health(self, key: ObjectKey, before: Mapping[str, Any]) -> dict[str, BanSummary]:
        """Return the health of credentials that have bans, and look again when a ban ends."""
        bans = self._bans_of(key)
        ends = seconds_to_next_end(bans)
        if ends is not None:
            self._rechecks.within(key, ends)
        health = health_by_credential(bans, before, self._clock())
        former = health_in(before)
        if former and self._pods.may_come_back():  # and tell of bans that another operator knew
            self._rechecks.within(key, RECHECK)
            return former | health
        return health


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
