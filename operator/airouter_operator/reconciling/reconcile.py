"""The reconciler: brings one RouterConfig to where it should be, from the mirror to the pods.

Level-triggered: it looks at what is, not at what has changed, so that it may run at any time and as
often as anybody likes. What is right already is left alone.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from airouter_operator.kube.errors import Conflict, KubeError, is_write_refusal
from airouter_operator.publication import stream_root
from airouter_operator.reconciling.compilation import (
    compile_gathered,
    compiled_outcome,
    gather,
    last_good_snapshot,
    outcome_of_pods,
)
from airouter_operator.reconciling.issued_keys import without_former_keys
from airouter_operator.reconciling.publish import SnapshotTooLarge
from airouter_operator.retry import RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from airouter.config.snapshot import Snapshot
    from airouter.config.trust import Trust
    from airouter_operator.delivering.channels import Channels
    from airouter_operator.delivering.pods import Pods
    from airouter_operator.kube.objects import Object, ObjectKey
    from airouter_operator.leading.ownership import Ownership
    from airouter_operator.publication import Publication
    from airouter_operator.reconciling.cluster_identity import ClusterIdentities
    from airouter_operator.reconciling.compilation import Fingerprint, Gathered
    from airouter_operator.reconciling.issued_keys import IssuedKeys
    from airouter_operator.reconciling.outcome import ReconcileOutcome
    from airouter_operator.reconciling.publish import Publisher
    from airouter_operator.reconciling.rechecks import Rechecks
    from airouter_operator.reconciling.status_writer import StatusWriter
    from airouter_operator.watching.mirror import Mirror


class ServedKeys(Protocol):
    """The RouterKeys that pods serve, whose status tells it."""

    def update(
        self, config: ObjectKey, body: Object, outcome: ReconcileOutcome, status: Object
    ) -> None:
        """Take in what a reconciliation came to, and the status of the RouterConfig."""
        ...

    def forget(self, config: ObjectKey) -> None:
        """Forget a RouterConfig that is gone: none of its keys is served."""
        ...

    def forget_all(self) -> None:
        """Forget everything: another replica leads, or led."""
        ...


class Reader(Protocol):
    """Brings objects in the mirror up to date that watches do not tell whole."""

    async def refresh(self, config: ObjectKey) -> None:
        """Read those that a RouterConfig names, unless they are known. Raises `KubeError`."""
        ...


class Reconciler:
    """Reconciles RouterConfigs by their key."""

    def __init__(
        self,
        mirror: Mirror,
        readers: Sequence[Reader],
        issued_keys: IssuedKeys,
        identities: ClusterIdentities,
        trust: Trust,
        publisher: Publisher,
        channels: Channels,
        pods: Pods,
        ownership: Ownership,
        status: StatusWriter,
        rechecks: Rechecks,
        served_keys: ServedKeys,
        leads: Callable[[], bool],
        measured: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Reconcile while this replica `leads`, each time inside of what `measured` returns."""
        self._mirror = mirror
        self._readers = readers
        self._issued_keys = issued_keys
        self._identities = identities
        self._trust = trust
        self._publisher = publisher
        self._channels = channels
        self._pods = pods
        self._ownership = ownership
        self._status = status
        self._rechecks = rechecks
        self._served_keys = served_keys
        self._leads = leads
        self._measured = measured
        self._known: dict[ObjectKey, tuple[Fingerprint, ReconcileOutcome]] = {}

    async def reconcile(self, key: ObjectKey) -> None:
        """Reconcile one RouterConfig. Raises `RetryLater` or `KubeError` to be called again."""
        if self._leads():
            with self._measured():
                await self._reconcile(key)

    def start_anew(self) -> None:
        """Forget pods and owners, and stream nothing: another replica led, or will lead."""
        self._pods.forget_all()
        self._channels.withdraw_all()
        self._ownership.forget_all()
        self._status.forget_all()
        self._served_keys.forget_all()

    async def _reconcile(self, key: ObjectKey) -> None:
        for reader in (*self._readers, self._identities):
            await reader.refresh(key)
        keys = self._issued_keys.of(key, time.time())
        cluster = self._identities.of(key)
        gathered = gather(key, self._mirror, keys, self._trust, cluster)
        if gathered is None:
            self._forget(key)
            return
        if gathered.gone:
            self._rechecks.within(key, min(gathered.gone.values()) - time.time())
        try:
            outcome, publication = await self._publish(key, gathered)
            if publication is not None:
                self._ownership.check_owner(key, stream_root(key, publication))
                self._channels.offer(key, publication)
            # Otherwise the channel has the key reconciled again, once pods have answered.
            if not self._channels.awaits_answers(key):
                status = await self._status.write(key, gathered.config, outcome, publication)
                self._channels.status_written(key)
                self._served_keys.update(key, gathered.config, outcome, status)
        except Conflict:
            raise RetryLater("somebody else wrote first") from None
        if outcome.unpublished:
            raise RetryLater(outcome.unpublished)

    def _forget(self, key: ObjectKey) -> None:
        """Forget a RouterConfig that was deleted; Kubernetes collects its Secret with it."""
        self._known.pop(key, None)
        self._ownership.forget(key)
        self._pods.forget(key)
        self._channels.withdraw(key)
        self._rechecks.forget(key)
        self._status.forget(key)
        self._served_keys.forget(key)
        self._issued_keys.forget(key)

    async def _publish(
        self, key: ObjectKey, gathered: Gathered
    ) -> tuple[ReconcileOutcome, Publication | None]:
        """Compile and publish what is due, and return the outcome and what is published.

        The last good publication stays where there is nothing better.
        """
        before = self._publisher.published(key)
        # Before anything is written: another operator may serve this RouterConfig.
        if before is not None:
            self._ownership.check_owner(key, stream_root(key, before))
        known = self._known.get(key)
        if known is not None and known[0] == gathered.fingerprint:
            outcome = known[1]
            if self._is_settled(key, gathered.config, outcome, before):
                return outcome, before
        # In a thread: a large RouterConfig would keep polls waiting for as long as it is compiled.
        compiled = await asyncio.to_thread(compile_gathered, gathered, self._trust)
        outcome = compiled_outcome(gathered, compiled)
        publication = before
        if compiled.snapshot is not None:
            outcome, publication = await self._write(
                key, gathered.config, compiled.snapshot, outcome, before
            )
        if before is not None and not outcome.is_publishable:
            publication = await self._keep_last_good(key, gathered, before)
            outcome = await asyncio.to_thread(outcome_of_pods, outcome, publication.packed)
        self._known[key] = (gathered.fingerprint, outcome)
        return outcome, publication

    async def _keep_last_good(
        self, key: ObjectKey, gathered: Gathered, before: Publication
    ) -> Publication:
        """Return what pods go on serving: the last good snapshot, without keys that have ended.

        A key in an overlap takes the room of two: where that is too much, overlaps end at once.
        """
        standing = await asyncio.to_thread(last_good_snapshot, before.packed, gathered.issued)
        if standing is not None:
            config = gathered.config
            try:
                return await self._publisher.publish(key, config, standing, before)
            except SnapshotTooLarge:
                fitting = without_former_keys(standing)
                return await self._publisher.publish(key, config, fitting, before)
        # Pods have to find the operator's stream by it.
        return await self._publisher.readdress(key, gathered.config, before)

    def _is_settled(
        self,
        key: ObjectKey,
        config: Object,
        outcome: ReconcileOutcome,
        published: Publication | None,
    ) -> bool:
        """Return whether a former outcome is still all that can be done."""
        if not outcome.is_publishable:
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
        """Publish a snapshot; leave the former publication where it cannot be published."""
        try:
            publication = await self._publisher.publish(key, config, snapshot, before)
        except SnapshotTooLarge as error:
            return outcome._replace(too_large=str(error)), before
        except KubeError as error:
            if is_write_refusal(error):
                why = self._publisher.why_refused(key, error)
                return outcome._replace(unpublished=why), before
            raise
        return outcome._replace(version=publication.record.version), publication
