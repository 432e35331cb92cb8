"""The composition root of the operator: builds every object once, wires it, and runs kopf."""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import kopf
from kubernetes.aio.config import ConfigException

from airouter.open_files import allow_many_files
from airouter.telemetry import logs
from airouter_operator.delivering.pods import Pods
from airouter_operator.delivering.stream import StreamServer
from airouter_operator.kube import (
    ApiServer,
    Kube,
    KubeError,
    ObjectKey,
    object_key,
    open_api_server,
    uid_of,
)
from airouter_operator.leading.authority import NAME as AUTHORITY
from airouter_operator.leading.authority import AuthorityKeeper
from airouter_operator.leading.lease import RENEWALS, Leadership
from airouter_operator.leading.ownership import Ownership
from airouter_operator.observing.health import HealthServer
from airouter_operator.observing.metrics import OperatorMetrics
from airouter_operator.preflight import obstacle, reading_obstacle
from airouter_operator.reconciling.events import EventRecorder
from airouter_operator.reconciling.publish import Publisher, config_of
from airouter_operator.reconciling.reconcile import Reconciler
from airouter_operator.watching.handlers import kopf_settings, registry_for
from airouter_operator.watching.mirror import Mirror
from airouter_operator.watching.queue import KeyedQueue, QueueDelays
from airouter_operator.watching.resync import CONFIGS, KINDS, NEVER_NAMED, SECRETS, Resync, Watches

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from airouter_operator.settings import OperatorSettings

logger = logging.getLogger("airouter.operator")

WAIT_FOR_API = 3.0
LOG_IN_AGAIN = 1.0
REFRESH_AUTHORITY = 3600.0
DELETED, LISTED = "DELETED", None
"""Types of kopf's events."""


class Operator:
    """One operator process; the `Listener` of `handlers.py`."""

    def __init__(self, settings: OperatorSettings, kube: ApiServer, lease_client: Kube) -> None:
        """Build and wire everything. Needs a running event loop.

        `lease_client` is the same API server for requests that end in time to renew the lease.
        """
        loop = asyncio.get_running_loop()
        identity = f"{socket.gethostname()}_{secrets.token_hex(4)}"
        self._identity = identity
        self._settings = settings
        self._kube = kube
        self._scopes = [None] if settings.clusterwide else list(settings.namespaces)
        self._logins = 0
        self._told = False
        """Whether kopf has told of everything there is, and now tells of changes."""
        self._mirror = Mirror()
        self._metrics = OperatorMetrics()
        self._watches = Watches(self._scopes, loop.time)
        self._pods = Pods(settings.pod_grace, settings.max_pods, loop.time)
        self._streams = StreamServer(
            self._pods,
            settings.poll_hold,
            self._metrics.acknowledged,
            self._add,
            self._leads,
            self._caught_up,
        )
        names = [urlsplit(settings.public_url).hostname or "localhost"]
        self._authority = AuthorityKeeper(kube, settings.namespace, names)
        self._publisher = Publisher(kube, self._mirror, settings.public_url, time.time)
        self._ownership = Ownership(settings.public_url, loop.time)
        self._reconciler = Reconciler(
            kube,
            self._mirror,
            self._publisher,
            self._streams,
            self._pods,
            self._ownership,
            EventRecorder(kube, identity, time.time),
            self._metrics,
        )
        self._queue: KeyedQueue[ObjectKey] = KeyedQueue(
            self._reconcile,
            QueueDelays(
                settings.debounce,
                settings.debounce_longest,
                settings.retry_first,
                settings.retry_longest,
            ),
            settings.concurrency,
            Random(),
        )
        self._leadership = Leadership(
            lease_client, kube, settings.namespace, identity, settings.lease_duration, self._turned
        )
        self._resync = Resync(kube, self._mirror, self._scopes, self._missed, loop.time)
        self._health = HealthServer(self._problems, self._is_ready, self._metrics)
        self._tasks: list[asyncio.Task[None]] = []
        self._observe()

    async def run(self) -> None:
        """Operate until a signal comes."""
        await self._wait_for_api()
        settings = self._settings
        await kopf.operator(
            registry=registry_for(self),
            settings=kopf_settings(NEVER_NAMED),
            clusterwide=settings.clusterwide,
            namespaces=() if settings.clusterwide else settings.namespaces,
            standalone=True,
            # Else kopf asks for the name of its user, and in a container there may be none.
            identity=self._identity,  # type: ignore[arg-type]  # kopf does not export the type
        )

    # What kopf tells.

    async def start(self) -> None:
        settings = self._settings
        stream = await self._streams.start(
            settings.stream_host, settings.stream_port, self._authority.tls
        )
        health = await self._health.start(settings.health_host, settings.health_port)
        logger.info("pods poll port %d, as %s", stream, settings.public_url)
        logger.info("health and metrics are on port %d", health)
        self._spawn(self._queue.run(), "queue")
        self._spawn(self._leadership.run(), "lease")
        self._spawn(self._resync.run(settings.resync), "resync")
        self._spawn(self._keep_authority(), "authority")
        # To search through all that libraries have made would keep a reload waiting, now and then.
        gc.collect()
        gc.freeze()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._leadership.release()
        self._streams.withdraw_all()
        await self._streams.close()
        await self._health.close()

    async def connection(self) -> kopf.ConnectionInfo:
        """Asked for again when it was refused.

        An API server that starts may refuse a token that it takes a moment later.
        """
        self._logins += 1
        if self._logins > 1:
            logger.warning("the API server does not take the operator's token; will log in again")
            await asyncio.sleep(LOG_IN_AGAIN)
        return await self._kube.connection(self._logins)

    def config_seen(self, body: Mapping[str, Any]) -> None:
        key = object_key(body)
        self._watches.heard(CONFIGS, key.namespace)
        self._mirror.put_config(body, key)

    def config_changed(self, body: Mapping[str, Any], type_: str | None) -> None:
        key = object_key(body)
        self._heard(CONFIGS, key, type_)
        if type_ == DELETED:
            self._mirror.drop_config(key, uid_of(body))
        self._add(key)

    def secret_seen(self, body: Mapping[str, Any]) -> None:
        key = object_key(body)
        self._watches.heard(SECRETS, key.namespace)
        self._mirror.secrets.put(key, body)

    def secret_changed(self, body: Mapping[str, Any], type_: str | None) -> None:
        key = object_key(body)
        self._heard(SECRETS, key, type_)
        if type_ == DELETED:
            self._mirror.secrets.drop(key, uid_of(body))
        self._add_all_about(key)

    # What follows from it.

    def _heard(self, kind: str, key: ObjectKey, type_: str | None) -> None:
        self._told = True
        self._watches.heard(kind, key.namespace)
        if type_ is LISTED:
            self._resync.hurry()

    def _add(self, key: ObjectKey) -> None:
        if self._leadership.leading:
            self._queue.add(key)

    def _add_all(self) -> None:
        for key in self._mirror.configs:
            self._add(key)

    def _add_all_about(self, secret: ObjectKey) -> None:
        """The RouterConfigs that name a Secret, and the one whose snapshot it holds."""
        for key in self._mirror.naming(secret):
            self._add(key)
        if (owner := config_of(secret)) is not None:
            self._add(owner)

    def _missed(self, kind: str, key: ObjectKey) -> None:
        self._watches.missed(kind, key.namespace)
        self._metrics.missed(kind)
        if kind == CONFIGS:
            self._add(key)
        else:
            self._add_all_about(key)

    def _turned(self, leading: bool) -> None:
        self._pods.begin_anew()
        self._streams.withdraw_all()
        if leading and self._told:
            self._add_all()
        if not leading:
            self._ownership.forget_all()

    async def _reconcile(self, key: ObjectKey) -> None:
        if self._leadership.leading:
            await self._reconciler.reconcile(key)

    async def _refresh_authority(self) -> None:
        before = self._publisher.bundle
        await self._authority.refresh()
        self._publisher.bundle = self._authority.bundle
        if before and before != self._publisher.bundle:
            self._add_all()

    async def _keep_authority(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_AUTHORITY)
            try:
                await self._refresh_authority()
            except KubeError as error:
                logger.warning("the certificate authority cannot be looked after: %s", error)

    async def _wait_for_api(self) -> None:
        """Wait until there is all that is needed; say what is missing, once for each reason."""
        said = ""
        while True:
            wrong = await self._obstacle()
            if not wrong:
                return
            if wrong != said:
                logger.error("%s; waiting for it", wrong)
                said = wrong
            await asyncio.sleep(WAIT_FOR_API)

    async def _obstacle(self) -> str:
        """What keeps the operator from working; empty if nothing does."""
        found = await reading_obstacle(self._kube, self._scopes, self._settings.namespace)
        if found:
            return found
        try:
            await self._refresh_authority()
        except KubeError as error:
            return obstacle(f"write Secret {AUTHORITY}", error)
        return ""

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(say_why_it_ended)
        self._tasks.append(task)

    # How it is.

    def _leads(self) -> bool:
        return self._leadership.leading

    def _caught_up(self) -> bool:
        return self._leadership.leading and self._told and not len(self._queue)

    def _is_ready(self) -> bool:
        return bool(self._tasks)

    def _problems(self) -> list[str]:
        ended = [f"task {task.get_name()} has ended" for task in self._tasks if task.done()]
        dead = [
            f"the watch of {watch} is silent"
            for watch in self._watches.dead(self._settings.watch_patience)
        ]
        return ended + dead

    def _observe(self) -> None:
        observe = self._metrics.observe
        observe("queue_depth", "RouterConfigs that wait.", lambda: len(self._queue))
        observe("pods_connected", "Pods that poll.", self._pods.count)
        observe("pods_programmed", "Pods that run what is published.", self._programmed)
        observe("routerconfigs", "RouterConfigs that are known.", lambda: len(self._mirror.configs))
        observe("secrets", "Secrets that are known.", lambda: len(self._mirror.secrets))
        observe("leading", "1 for the replica that leads.", lambda: self._leadership.leading)
        ages = {kind: lambda kind=kind: self._watches.age(kind) for kind in KINDS}
        what = "Time since a watch has told of anything."
        self._metrics.observe_each("watch_age_seconds", what, "kind", ages)
        observe("resync_age_seconds", "Time since all objects were last listed.", self._resync.age)

    def _programmed(self) -> int:
        return sum(
            self._pods.tally(key, version).programmed for key, version in self._streams.versions()
        )


def say_why_it_ended(task: asyncio.Task[None]) -> None:
    """Log that a task has failed which should run for as long as the operator."""
    if not task.cancelled() and (error := task.exception()) is not None:
        # What it says may quote a Secret; its type and its place do not.
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        logger.error("task %s has ended: %s at %s", task.get_name(), type(error).__name__, where)


async def operate(settings: OperatorSettings) -> None:
    """Run an operator until a signal comes. Raises `ConfigException` without a cluster."""
    task = asyncio.current_task()
    if task is not None:  # kopf takes the signals over once it runs; until then nobody does
        for signum in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signum, task.cancel)
    kube = await open_api_server(settings.kubeconfig)
    lease_client = kube.with_timeout(settings.lease_duration / RENEWALS)
    try:
        await Operator(settings, kube, lease_client).run()
    finally:
        await kube.close()
        await lease_client.close()


def main(settings: OperatorSettings) -> int:
    """Run an operator; returns the exit code."""
    logs.configure(settings.log_level, sys.stderr)
    allow_many_files()
    try:
        asyncio.run(operate(settings))
    except asyncio.CancelledError:
        pass
    except ConfigException as error:
        logger.critical("there is no cluster to work for: %s", error)
        return 2
    return 0
