"""The composition root of the operator: builds every object once, wires it, and runs kopf.

The only module that knows every room. A rule that is more than wiring belongs into a room.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import kopf
from kubernetes.aio.config import ConfigException

from airouter.mistyping import vain_variables
from airouter.server.open_files import allow_many_files
from airouter.telemetry import logs
from airouter_operator.background import BackgroundTasks
from airouter_operator.delivering.ban_server import BanServer
from airouter_operator.delivering.channels import Channels
from airouter_operator.delivering.counted_reports import counted_of
from airouter_operator.delivering.exchanges import ExchangeServer
from airouter_operator.delivering.key_uses import KeyUses
from airouter_operator.delivering.pods import Pods
from airouter_operator.delivering.stream import StreamServer
from airouter_operator.delivering.use_server import KeyUseServer
from airouter_operator.injecting.injector import Injector
from airouter_operator.injecting.registration import Registration
from airouter_operator.injecting.sidecar import SidecarTemplate
from airouter_operator.injecting.webhook import InjectionWebhook
from airouter_operator.issuing.claims import is_anothers
from airouter_operator.issuing.grants import Grants
from airouter_operator.issuing.issuer import KeyIssuer
from airouter_operator.issuing.reconcile_key import KeyReconciler
from airouter_operator.issuing.served import KeysServed
from airouter_operator.kube.client import open_kube_client
from airouter_operator.leading.authority import AuthorityKeeper
from airouter_operator.leading.issued import IssuedCertificate
from airouter_operator.leading.lease import Leadership, clients_of_lease, identity_of
from airouter_operator.leading.ownership import Ownership
from airouter_operator.observing.gauges import (
    observe_delivering,
    observe_leading,
    observe_watching,
)
from airouter_operator.observing.health import HealthServer
from airouter_operator.observing.metrics import OperatorMetrics
from airouter_operator.preflight import wait_until_clear
from airouter_operator.reconciling.cluster_identity import ClusterIdentities
from airouter_operator.reconciling.events import EventRecorder
from airouter_operator.reconciling.issued_keys import IssuedKeys
from airouter_operator.reconciling.pool_reader import PoolReader
from airouter_operator.reconciling.publish import Publisher
from airouter_operator.reconciling.rechecks import Rechecks
from airouter_operator.reconciling.reconcile import Reconciler
from airouter_operator.reconciling.secret_reader import SecretReader
from airouter_operator.reconciling.service_reader import ServiceReader
from airouter_operator.reconciling.serving_pods import ServingPods
from airouter_operator.reconciling.status_writer import StatusWriter
from airouter_operator.settings import PREFIX, OperatorSettings
from airouter_operator.sites import CannotListen
from airouter_operator.watching.dispatcher import Dispatcher
from airouter_operator.watching.handlers import kopf_registry
from airouter_operator.watching.kinds import kinds_in
from airouter_operator.watching.kopf_settings import kopf_settings
from airouter_operator.watching.login import KopfLogin
from airouter_operator.watching.mirror import Mirror
from airouter_operator.watching.queue import KeyedQueue, QueueDelays
from airouter_operator.watching.resync import Resync
from airouter_operator.watching.watches import Watches

if TYPE_CHECKING:
    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.client import KubeClient
    from airouter_operator.kube.objects import Object, ObjectKey
    from airouter_operator.leading.lease import LeaseClients
    from airouter_operator.leading.stream_tls import StreamTls
    from airouter_operator.watching.kinds import WatchedKind

logger = logging.getLogger("airouter.operator")


class Operator:
    """One operator process."""

    def __init__(self, settings: OperatorSettings, kube: KubeClient, lease: LeaseClients) -> None:
        """Build and wire everything, in a running event loop.

        `lease` is the same API server, for requests about the Lease.
        """
        clock = asyncio.get_running_loop().time
        self.metrics = OperatorMetrics()
        self._settings = settings
        self._kube = kube
        self._identity = identity_of(settings.pod_uid)
        self._tasks = BackgroundTasks()
        self._login = KopfLogin(kube)

        # Leading.
        self._certificates = new_certificates(settings, kube)
        self._leadership = self._new_leadership(lease)

        # Watching.
        mirror = Mirror(settings.secret_grace)
        self._watches = Watches(settings.scopes, clock)
        self._queue = new_queue(settings)
        self._key_queue = new_queue(settings)
        self._dispatcher = Dispatcher(
            mirror, self._watches, self._queue, self._key_queue, self._leads
        )
        self._resync = Resync(kube, mirror, self._watches, settings.scopes, self._corrected, clock)

        # Delivering.
        pods = Pods(settings.pod_grace, settings.max_pods, clock, settings.pod_return)
        self._channels = Channels(pods, self._dispatcher.add)
        self._uses = KeyUses(
            mirror.key_index.router, partial(counted_of, mirror.keys), self._dispatcher.add_key
        )
        self._exchanges = self._new_exchanges()
        self._stream = self._new_stream(pods)

        # Injecting.
        self._webhook = new_webhook(settings, kube)
        webhook = settings.injector_webhook
        self._registration = Registration(kube, webhook, self._certificates.bundle)

        # Reconciling, and issuing.
        self._ownership = Ownership(settings.public_url, clock)
        secret_reader = SecretReader(kube, mirror, settings.scopes)
        events = EventRecorder(kube, self._identity, time.time)
        served = KeysServed(mirror.key_index.of_router, self._dispatcher.add_key)
        self._reconciler = self._new_reconciler(mirror, pods, secret_reader, events, served)
        self._key_reconciler = self._new_key_reconciler(mirror, secret_reader, events, served)

        # Observing.
        self._health = HealthServer(self._problems, self._tasks.have_started, self.metrics)
        observe_watching(
            self.metrics, mirror, self._watches, self._resync, self._queue, self._key_queue
        )
        observe_delivering(self.metrics, self._channels, pods)
        observe_leading(self.metrics, self._leadership)

    def _new_leadership(self, lease: LeaseClients) -> Leadership:
        return Leadership(
            lease.quick,
            lease.patient,
            self._settings.namespace,
            self._identity,
            self._settings.lease_duration,
            self._turned,
        )

    def _new_exchanges(self) -> ExchangeServer:
        return ExchangeServer(
            self._channels,
            self._kube,
            self._leadership.is_sure,
            self._caught_up,
            self.metrics.ledger_message,
        )

    def _new_stream(self, pods: Pods) -> StreamServer:
        channels, hold = self._channels, self._settings.poll_hold
        bans = BanServer(channels, hold, self._leads, self._caught_up, self._dispatcher.add)
        return StreamServer(
            channels,
            pods,
            hold,
            self.metrics.acknowledged,
            self._leads,
            self._leadership.another_leads,
            self._caught_up,
            self._exchanges,
            bans,
            KeyUseServer(channels, self._uses, self._leads, self._caught_up),
        )

    def _new_reconciler(
        self,
        mirror: Mirror,
        pods: Pods,
        secret_reader: SecretReader,
        events: EventRecorder,
        served: KeysServed,
    ) -> Reconciler:
        kube, settings = self._kube, self._settings
        rechecks = Rechecks(self._dispatcher.add)
        return Reconciler(
            mirror,
            (
                secret_reader,
                ServiceReader(kube, mirror, settings.scopes),
                PoolReader(kube, mirror, settings.scopes, rechecks),
            ),
            IssuedKeys(mirror),
            ClusterIdentities(kube, mirror, rechecks, time.monotonic),
            settings.trust,
            Publisher(kube, mirror, settings.public_url, self._certificates.bundle, time.time),
            self._channels,
            pods,
            self._ownership,
            self._new_status_writer(mirror, pods, events, rechecks),
            rechecks,
            served,
            self._leads,
            self.metrics.reconcile,
        )

    def _new_key_reconciler(
        self,
        mirror: Mirror,
        secret_reader: SecretReader,
        events: EventRecorder,
        served: KeysServed,
    ) -> KeyReconciler:
        return KeyReconciler(
            self._kube,
            mirror,
            secret_reader,
            Grants(mirror, self._settings.router_url),
            KeyIssuer(self._kube, mirror),
            served,
            self._uses,
            events,
            Rechecks(self._dispatcher.add_key),
            self._dispatcher.add,
            partial(is_anothers, self._ownership, self._settings.scopes),
            self._leads,
        )

    def _new_status_writer(
        self, mirror: Mirror, pods: Pods, events: EventRecorder, rechecks: Rechecks
    ) -> StatusWriter:
        return StatusWriter(
            self._kube,
            mirror,
            pods,
            self._channels.bans_of,
            ServingPods(self._kube),
            events,
            rechecks,
            self.metrics.conditions,
            time.time,
        )

    async def run(self) -> None:
        """Operate until a signal comes."""
        settings = self._settings
        await wait_until_clear(self._kube, self._certificates, settings.scopes, settings.namespace)
        await kopf.operator(
            registry=kopf_registry(
                kinds_in(settings.scopes),
                self._dispatcher,
                self._login.log_in,
                start=self._start,
                stop=self._stop,
            ),
            settings=kopf_settings(),
            clusterwide=settings.clusterwide,
            namespaces=() if settings.clusterwide else settings.namespaces,
            standalone=True,
            # Else kopf asks for the name of its user, and in a container there may be none.
            identity=self._identity,  # type: ignore[arg-type]  # kopf does not export the type
        )

    async def _start(self) -> None:
        settings = self._settings
        stream = await self._stream.start(
            settings.stream_host, settings.stream_port, self._certificates.tls
        )
        health = await self._health.start(settings.health_host, settings.health_port)
        logger.info("pods poll port %d, as %s", stream, settings.public_url)
        logger.info("health and metrics are on port %d", health)
        self._tasks.start("queue", self._queue.run(self._reconciler.reconcile))
        self._tasks.start("key queue", self._key_queue.run(self._key_reconciler.reconcile))
        self._tasks.start("lease", self._leadership.run())
        self._tasks.start("resync", self._resync.run(settings.resync, self._dispatcher.begin))
        if settings.injector:
            await self._start_injecting()
        self._tasks.start("authority", self._certificates.run(self._dispatcher.look_at_all))
        # A collection that searches all that libraries have made would hold up a reload.
        gc.collect()
        gc.freeze()

    async def _start_injecting(self) -> None:
        settings = self._settings
        port = await self._webhook.start(
            settings.injector_host, settings.injector_port, self._certificates.tls
        )
        logger.info("the API server asks for routers in pods on port %d", port)
        self._tasks.start("registration", self._registration.run())

    async def _stop(self) -> None:
        await self._tasks.stop()
        await self._exchanges.end()  # while nobody else may lead
        await self._key_reconciler.end()
        await self._leadership.release()
        self._channels.withdraw_all()
        await self._webhook.close()
        await self._stream.close()
        await self._health.close()

    # Callbacks from one room to another, which know no more of each other than these.

    def _turned(self, leading: bool) -> None:
        self._reconciler.start_anew()
        self._uses.forget_all()
        # Before the mirror has all there is, everything is about to be looked at anyway.
        if leading and self._dispatcher.has_synced:
            self._dispatcher.look_at_all()

    def _corrected(self, kind: WatchedKind, body: Object) -> None:
        self.metrics.missed(kind.plural)
        self._dispatcher.add_concerned(kind, body)

    def _leads(self) -> bool:
        return self._leadership.leading

    def _caught_up(self) -> bool:
        return self._leads() and self._dispatcher.has_synced and self._queue.is_idle

    def _problems(self) -> list[str]:
        silent = self._watches.silent_for(self._settings.watch_patience)
        return [*self._tasks.problems(), *(f"the watch of {watch} is silent" for watch in silent)]


def new_queue(settings: OperatorSettings) -> KeyedQueue[ObjectKey]:
    """Return a queue of RouterConfigs or RouterKeys as the settings have it."""
    delays = QueueDelays(
        settings.debounce, settings.debounce_longest, settings.retry_first, settings.retry_longest
    )
    return KeyedQueue(delays, settings.concurrency, Random())


def new_certificates(settings: OperatorSettings, kube: KubeApi) -> StreamTls:
    """Return the certificates of its ports: issued by somebody else, or by its own authority."""
    if settings.tls_dir is not None:
        return IssuedCertificate(settings.tls_dir)
    return AuthorityKeeper(kube, settings.namespace, settings.hosts)


def new_webhook(settings: OperatorSettings, kube: KubeApi) -> InjectionWebhook:
    """Return the webhook that puts routers into pods, such as the settings have them."""
    template = SidecarTemplate(
        settings.injector_image,
        settings.injector_pull_policy,
        settings.injector_router_port,
        settings.injector_router_log_level,
        settings.injector_run_as_user,
        settings.injector_resources,
    )
    return InjectionWebhook(Injector(kube, settings.scopes, template))


async def operate(settings: OperatorSettings) -> None:
    """Run an operator until a signal comes.

    Raises `ConfigException` without a cluster, and `CannotListen`.
    """
    task = asyncio.current_task()
    if task is not None:  # kopf takes the signals over once it runs; until then nobody does
        for signum in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signum, task.cancel)
    kube = await open_kube_client(settings.kubeconfig)
    lease_clients = clients_of_lease(kube, settings.lease_duration)
    try:
        await Operator(settings, kube, lease_clients).run()
    except Exception as error:
        if isinstance(error.__cause__, CannotListen):  # in an error that kopf does not export
            raise error.__cause__ from None
        raise
    finally:
        await kube.close()
        await lease_clients.close()


def run_operator(settings: OperatorSettings) -> int:
    """Run an operator, and return the exit code."""
    logs.configure(settings.log_level, sys.stderr)
    for name, meant in vain_variables(os.environ, PREFIX, OperatorSettings.model_fields):
        logger.warning("%s sets nothing (fix: use %s)", name, meant)
    allow_many_files()
    try:
        asyncio.run(operate(settings))
    except asyncio.CancelledError:
        pass
    except ConfigException as error:
        logger.critical("there is no cluster to work for: %s", error)
        return 2
    except CannotListen as error:
        logger.critical("%s", error)
        return 2
    return 0
