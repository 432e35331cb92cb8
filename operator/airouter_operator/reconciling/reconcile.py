"""One RouterConfig brought to where it should be: gather, compile, publish, stream, tell.

Level-triggered: it looks at what is, not at what has changed, so that it may run at any time and as
often as anybody likes. What is right already is left alone.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from airouter.config.compile import compile_config
from airouter.config.findings import Compiled, in_order
from airouter.config.reading import read
from airouter_operator.kube import (
    Conflict,
    Kube,
    KubeError,
    NotFound,
    Object,
    ObjectKey,
    generation_of,
    status_at,
    uid_of,
)
from airouter_operator.reconciling.publish import Publication, Publisher, SnapshotTooLarge, root_of
from airouter_operator.reconciling.status import (
    ReconcileOutcome,
    lacks_nothing_but_pods,
    routerconfig_status,
)
from airouter_operator.watching.queue import RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.config.snapshot import Snapshot
    from airouter_operator.delivering.pods import Pods
    from airouter_operator.delivering.stream import StreamServer
    from airouter_operator.leading.ownership import Ownership
    from airouter_operator.observing.metrics import OperatorMetrics
    from airouter_operator.reconciling.events import EventRecorder
    from airouter_operator.watching.mirror import Mirror

logger = logging.getLogger("airouter.operator")

REFUSALS = (400, 403, 413, 422)
"""Statuses by which the API server says that it will not take a Secret."""

Secrets = dict[tuple[str, str], str]
"""Values by the name of their Secret and their key."""


class Gathered(NamedTuple):
    """What a snapshot is compiled from."""

    config: Object
    secrets: Secrets
    fingerprint: tuple[Any, ...]
    """Equal for what compiles to the same."""


class Reconciler:
    """Reconciles RouterConfigs by their key."""

    def __init__(
        self,
        kube: Kube,
        mirror: Mirror,
        publisher: Publisher,
        streams: StreamServer,
        pods: Pods,
        ownership: Ownership,
        events: EventRecorder,
        metrics: OperatorMetrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._kube = kube
        self._mirror = mirror
        self._publisher = publisher
        self._streams = streams
        self._pods = pods
        self._ownership = ownership
        self._events = events
        self._metrics = metrics
        self._clock = clock
        self._known: dict[ObjectKey, tuple[tuple[Any, ...], ReconcileOutcome]] = {}

    async def reconcile(self, key: ObjectKey) -> None:
        """Bring one to where it should be. Raises `Later` or `KubeError` to be called again."""
        with self._metrics.reconcile():
            gathered = gather(key, self._mirror)
            if gathered is None:
                self._forget(key)
                return
            try:
                outcome, publication = await self._publish(key, gathered)
                if publication is not None:
                    self._ownership.check_owner(key, root_of(key, publication))
                    self._streams.offer(key, publication)
                if not self._streams.awaits_answers(key):
                    await self._tell(key, gathered.config, outcome, publication)
                    self._streams.status_is_told(key)
            except Conflict:
                raise RetryLater("somebody else wrote first") from None
            if outcome.unpublished:
                raise RetryLater(outcome.unpublished)

    def _forget(self, key: ObjectKey) -> None:
        """It was deleted; its Secret is collected with it."""
        self._known.pop(key, None)
        self._ownership.forget(key)
        self._pods.forget(key)
        self._streams.withdraw(key)

    async def _publish(
        self, key: ObjectKey, gathered: Gathered
    ) -> tuple[ReconcileOutcome, Publication | None]:
        """What became of it, and what is published: the last good one where nothing else can be."""
        before = self._publisher.published(key)
        if before is not None:
            self._ownership.check_owner(key, root_of(key, before))
        known = self._known.get(key)
        if known is not None and known[0] == gathered.fingerprint:
            outcome = known[1]
            if self._is_settled(key, gathered.config, outcome, before):
                return outcome, before
        compiled = await asyncio.to_thread(compile_object, gathered)
        outcome = compiled_outcome(gathered.config, compiled)
        publication = before
        if compiled.snapshot is not None:
            outcome, publication = await self._write(
                key, gathered.config, compiled.snapshot, outcome, before
            )
        if before is not None and not can_be_published(outcome):
            publication = await self._publisher.readdress(key, gathered.config, before)
        self._known[key] = (gathered.fingerprint, outcome)
        return outcome, publication

    def _is_settled(
        self,
        key: ObjectKey,
        config: Object,
        outcome: ReconcileOutcome,
        published: Publication | None,
    ) -> bool:
        """Whether what came of it before is still all that can be done."""
        if not can_be_published(outcome):
            return published is None or self._publisher.is_addressed(key, config, published)
        if published is None or published.record.version != outcome.version:
            return False
        return self._publisher.is_intact(key, config, published)

    async def _write(
        self,
        key: ObjectKey,
        config: Object,
        snapshot: Snapshot,
        outcome: ReconcileOutcome,
        before: Publication | None,
    ) -> tuple[ReconcileOutcome, Publication | None]:
        """Publish a snapshot; what cannot be published leaves what was."""
        try:
            publication = await self._publisher.publish(key, config, snapshot, before)
        except SnapshotTooLarge as error:
            return outcome._replace(too_large=str(error)), before
        except KubeError as error:
            if error.status in REFUSALS:
                why = self._publisher.why_refused(key, error.status)
                return outcome._replace(unpublished=why), before
            raise
        return outcome._replace(version=publication.record.version), publication

    async def _tell(
        self,
        key: ObjectKey,
        config: Object,
        outcome: ReconcileOutcome,
        publication: Publication | None,
    ) -> None:
        """Write the status if it is not as it should be, and Events for what has turned.

        Raises `Later` where nothing but pods has gone, and they may be on their way.
        """
        tally = self._pods.tally(key, publication.record.version if publication else "")
        before = config.get("status") or {}
        now = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        status = routerconfig_status(
            generation_of(config), outcome, publication, tally, before, now
        )
        if status == before:
            return
        if self._pods.may_come_back() and lacks_nothing_but_pods(status, before):
            raise RetryLater("pods may come back that another operator has known")
        body = {
            "apiVersion": config["apiVersion"],
            "kind": config["kind"],
            "metadata": {
                "name": key.name,
                "namespace": key.namespace,
                "uid": uid_of(config),
            },
            "status": status,
        }
        try:
            written = await self._kube.apply(status_at(key), body)
        except NotFound:
            return  # it was deleted meanwhile
        self._mirror.put_config(written, key)
        await self._events.tell(config, before, status)


def gather(key: ObjectKey, mirror: Mirror) -> Gathered | None:
    """The RouterConfig and what the Secrets hold that it names; None when it is gone."""
    config = mirror.configs.get(key)
    if config is None:
        return None
    secrets: Secrets = {}
    versions = []
    for name in sorted(mirror.secrets_of(key)):
        versions.append((name, mirror.secrets.version(name)))
        body = mirror.secrets.get(name)
        for field, value in (body.get("data") or {}).items() if body else ():
            secrets[name.name, field] = base64.b64decode(value).decode(errors="replace")
    fingerprint = (uid_of(config), generation_of(config), tuple(versions))
    return Gathered(config, secrets, fingerprint)


def compile_object(gathered: Gathered) -> Compiled:
    """A snapshot of what was gathered, as `airouter check` would make it of the same manifests."""
    document = {name: gathered.config.get(name) for name in ("apiVersion", "kind", "spec")}
    reading = read({**document, "metadata": {"name": gathered.config["metadata"]["name"]}})
    if reading.config is None:
        return Compiled(None, in_order(reading.findings))
    compiled = compile_config(reading.config, gathered.secrets, reading.dropped)
    return Compiled(compiled.snapshot, in_order([*reading.findings, *compiled.findings]))


def can_be_published(outcome: ReconcileOutcome) -> bool:
    """Whether what is declared makes a snapshot that fits into a Secret."""
    return outcome.accepted and not outcome.too_large


def compiled_outcome(config: Object, compiled: Compiled) -> ReconcileOutcome:
    """What the status says of a compilation."""
    spec = config.get("spec") or {}
    declared = tuple(c["name"] for c in spec.get("credentials") or () if "name" in c)
    snapshot = compiled.snapshot
    if snapshot is None:
        return ReconcileOutcome(declared, findings=compiled.findings, accepted=False)
    usable = frozenset(credential.name for credential in snapshot.credentials)
    return ReconcileOutcome(declared, usable, len(snapshot.models), compiled.findings)
