"""The composition root: builds every object once and wires it.

The only module that knows all stages. What is built anew for each snapshot is in `serving/`.
"""

from __future__ import annotations

import asyncio
import math
import os
import sys
import time
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies_environment

import uvicorn

from airouter import __version__
from airouter.admission import Admission
from airouter.api.application import build_application
from airouter.api.begun_in_turns import BEGUN_AT_ONCE
from airouter.api.endpoints import ENDPOINTS, RESPONSES, SESSION
from airouter.api.recorded import PROBES
from airouter.api.session_registry import SessionRegistry
from airouter.api.vhealth import HealthSite
from airouter.api.websocket import WebSocketProtocol
from airouter.attempts.attempt import AttemptRunner
from airouter.bounds.answers_in_hand import AnswersInHand
from airouter.bounds.held_bytes import HeldBytes
from airouter.condition import condition_of
from airouter.config.providers import PROVIDER_TYPES
from airouter.config.store import SnapshotStore
from airouter.edge import Edge, EdgeProtocol
from airouter.edge.fair_queue import FairQueue
from airouter.eventloop.aside import Aside
from airouter.eventloop.outbox import Outbox
from airouter.eventloop.turns import Turns
from airouter.limits.shared_limits import SharedLimits
from airouter.pipeline import Pipeline
from airouter.providers.identity import Identities
from airouter.providers.registry import load_providers
from airouter.responses.service import ResponsesService
from airouter.routing.walk import Failover
from airouter.server.lifecycle import RouterServer
from airouter.server.listening import listeners
from airouter.serving.account import loads_after
from airouter.serving.state import NO_ACCOUNTS, build
from airouter.sharing.shared_bans import SharedBans
from airouter.telemetry.access import AccessLog
from airouter.telemetry.exporting import exporting
from airouter.telemetry.history import TrafficHistory
from airouter.telemetry.metrics.exposition import Metrics
from airouter.telemetry.metrics.scraping import Scraping
from airouter.telemetry.provider_warnings import ProviderWarnings
from airouter.telemetry.recorder import Recorder
from airouter.telemetry.tracing import open_tracing
from airouter.upstream.fetching import Fetcher
from airouter.upstream.pools import Pools

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from fastapi import FastAPI

    from airouter.config.providers import ProviderTypes
    from airouter.config.snapshot import Snapshot
    from airouter.config.store import Reload
    from airouter.endpoint import Endpoint
    from airouter.interfaces import Exchange, Serve
    from airouter.limits.budgets.budget_scope import BudgetScope
    from airouter.limits.scope import Scope
    from airouter.reporting.reporter import KeyUseReporter
    from airouter.responses.caller import Caller, ServeCaller
    from airouter.routing.catalog import Load
    from airouter.routing.fail2ban import Bans
    from airouter.serving.state import ServingState
    from airouter.settings import Settings
    from airouter.sources.stream import StreamSource
    from airouter.telemetry.record import Consumer

CLOSING_TIMEOUT = 5.0
"""Seconds that telemetry gets for its last words."""


class Router:
    """One router process: all that lives as long as it, and what it tells of its state.

    It is the `State` of `api/health.py` and what `telemetry/metrics/exposition.py` observes.
    """

    version = __version__
    server: RouterServer | None = None
    streaming: StreamSource | None = None
    reporter: KeyUseReporter | None = None

    def __init__(self, settings: Settings, types: ProviderTypes = PROVIDER_TYPES) -> None:
        """Build and wire everything. Needs a running event loop."""
        loop = asyncio.get_running_loop()
        self.settings = settings
        self.draining = False
        self._started = time.monotonic()
        self.loads: dict[str, Load] = {}
        random = Random()
        self.outbox = Outbox(loop)
        self.turns = Turns(loop)
        self.providers = load_providers(types)
        self.shared_bans = SharedBans()
        self.identities = Identities()
        self.fetcher = Fetcher(settings.fetch_allowed_hosts)
        self.pools = self._open_pools()
        self.store = SnapshotStore(self._apply)
        self.metrics = Metrics(self)
        self.history = TrafficHistory(lambda: sum(self.in_flight().values()))
        self.access_log = AccessLog(sys.stdout.fileno()) if settings.access_log else None
        self.tracing = open_tracing(os.environ, self.providers)
        self.recorder = Recorder(self._consumers(), loop.call_later)
        self.scraping = Scraping(self.metrics, self.recorder)
        self.aside = Aside()
        self.shared_limits = SharedLimits.of(settings)
        self.held = HeldBytes(settings.held_bytes)
        self.responses = ResponsesService(settings.sqlite_path, self.aside, self.held, self.turns)
        self.pipeline = Pipeline(
            limits=self.shared_limits,
            failover=Failover(self.bans, random),
            attempts=self._build_attempts(),
            recorder=self.recorder,
            tracing=self.tracing,
            random=random,
            aside=self.aside,
            held=self.held,
        )
        self.admission = Admission(self.pipeline, self.held, self.aside, settings.max_body_bytes)
        self.responses.serve = self._serve_caller(RESPONSES)
        self.sessions = SessionRegistry(
            self.pipeline,
            self._serve_caller(SESSION),
            self.outbox,
            self.turns,
            self.admission,
            self.aside,
            most_bytes=settings.max_body_bytes,
        )
        self.site = HealthSite(self, self.pipeline)
        self.application = self._build_application(random)
        self.tracing.instrument(self.application, {each.path for each in ENDPOINTS} | PROBES)
        self.edge = self._build_edge()
        self.server: RouterServer | None = None
        self.streaming: StreamSource | None = None

    def _build_application(self, random: Random) -> FastAPI:
        return build_application(
            self.pipeline,
            self,
            self.site,
            self.scraping.page,
            self.admission,
            self.turns,
            beginning=Turns(asyncio.get_running_loop(), BEGUN_AT_ONCE),
            serve=self._serve,
            responses=self.responses,
            body_limit=self.settings.max_body_bytes,
            started_at=int(time.time()),
            random=random,
        )

    async def serve(self, on_ready: Callable[[int], None]) -> None:
        """Serve until a signal has come and all is drained; `on_ready` gets the port."""
        settings = self.settings
        config = uvicorn.Config(
            self.application,
            host=settings.host,
            port=settings.port,
            http=partial(EdgeProtocol, edge=self.edge),  # type: ignore[arg-type]  # it makes protocols
            ws=partial(WebSocketProtocol, registry=self.sessions),  # type: ignore[arg-type]  # as http
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=4096,
            timeout_keep_alive=math.ceil(settings.keep_alive),
            timeout_graceful_shutdown=math.ceil(settings.drain_deadline),
        )
        self.server = RouterServer(
            config,
            grace=settings.drain_grace,
            on_ready=on_ready,
            on_drain=self._drain,
            on_sweep=self.aside.trim,
        )
        try:
            async with exporting(os.environ, self.metrics, self.recorder):
                await self.server.serve(listeners(settings.host, settings.port))
        finally:
            if self.reporter is not None:
                self.recorder.flush()
                await self.reporter.close()
            await self.shared_limits.close()
            await self.shared_bans.close()
            await self.responses.close()
            await self.aside.close()
            self._close()

    # The state, for health and metrics.

    @property
    def bans(self) -> Bans:
        return self.shared_bans.bans

    @property
    def snapshot(self) -> Snapshot | None:
        return self.store.current

    @property
    def reload(self) -> Reload:
        return self.store.reload

    @property
    def health_names(self) -> bool:
        return self.settings.health_names

    @property
    def pod_name(self) -> str:
        return self.settings.pod_name

    @property
    def stream(self) -> Mapping[str, Any] | None:
        return self.streaming.state.as_json() if self.streaming else None

    @property
    def ledger(self) -> Mapping[str, Any] | None:
        return self.shared_limits.as_json()

    @property
    def uptime(self) -> float:
        return time.monotonic() - self._started

    @property
    def budgets(self) -> Sequence[BudgetScope]:
        return self.shared_limits.budgets.scopes

    def limits_of(self, kind: str, name: str) -> Scope | None:
        return self.shared_limits.limiter.find(kind, name)

    def condition(self) -> str:
        return condition_of(self, time.monotonic()).state

    def in_flight(self) -> Mapping[str, int]:
        return {name: load.in_flight for name, load in self.loads.items()}

    def unusable(self) -> Mapping[str, str]:
        return self.pipeline.serving.unusable if self.pipeline.serving else {}

    def connections(self) -> int:
        return len(self.server.server_state.connections) if self.server else 0

    def config_version(self) -> str:
        return self.store.current.version if self.store.current else ""

    def last_reload_successful(self) -> bool:
        return self.store.reload.successful

    def last_reload_time(self) -> float:
        return self.store.reload.loaded_at

    def dropped(self) -> Mapping[str, int]:
        return {
            "records": self.recorder.dropped,
            "spans": self.tracing.dropped,
            "log_lines": self.access_log.dropped if self.access_log else 0,
        }

    # What happens to it.

    def _apply(self, snapshot: Snapshot) -> None:
        """Serve a snapshot: build all of it first, then swap one reference, then let go of the old.

        A failure lets go of what was built and leaves what is served untouched.
        """
        former = self.pipeline.serving
        try:
            serving = build(
                snapshot,
                self.providers,
                self.pools,
                self.identities,
                self.loads,
                self.shared_limits.limiter.of_backend,
                self.shared_limits.meet,
                former.accounts if former else NO_ACCOUNTS,
            )
            self.responses.reload(snapshot)
        except Exception:
            self._keep_only(former)
            raise
        self.shared_limits.reload(snapshot)
        self.pipeline.serving = serving
        self.loads = loads_after(self.loads, serving.accounts)
        self._keep_only(serving)
        self.shared_bans.reload(snapshot)
        self.tracing.reload(snapshot)
        self.sessions.recheck_keys()

    def _serve(self, endpoint: Endpoint) -> Serve:
        """The pipeline, for the requests of one endpoint."""
        prepare = self.responses.prepare if endpoint.stateful else None
        return partial(self.pipeline.serve, endpoint=endpoint, prepare=prepare)

    def _serve_caller(self, endpoint: Endpoint) -> ServeCaller:
        """Return the pipeline for requests of sessions, and of the router itself."""

        def serve(exchange: Exchange, caller: Caller) -> Coroutine[Any, Any, None]:
            prepare = partial(self.responses.prepare, caller=caller)
            return self.pipeline.serve(exchange, endpoint, prepare)

        return serve

    def _build_attempts(self) -> AttemptRunner:
        return AttemptRunner(
            self.fetcher,
            self.tracing,
            ProviderWarnings(),
            self.aside,
            self.shared_limits.limiter,
            self.held,
            AnswersInHand(),
        )

    def _open_pools(self) -> Pools:
        """Return the connections to providers, none of them open yet."""
        return Pools(
            self.outbox,
            max_connections=self.settings.max_upstream_connections,
            body_limit=self.settings.max_answer_bytes,
            proxies=getproxies_environment(),
        )

    def _build_edge(self) -> Edge:
        settings = self.settings
        return Edge(
            {endpoint.path.encode(): self._serve(endpoint) for endpoint in ENDPOINTS},
            self.outbox,
            self.turns,
            FairQueue(asyncio.get_running_loop(), self.admission.client_of),
            self.admission,
            body_limit=settings.max_body_bytes,
            max_connections=settings.max_connections,
            keep_alive=settings.keep_alive,
            request_timeout=settings.request_timeout,
        )

    def _keep_only(self, serving: ServingState | None) -> None:
        """Let go of all pools and signers but those that serve."""
        self.pools.keep_only(serving.pools if serving else ())
        self.identities.keep_only(serving.signers if serving else ())

    def _drain(self) -> None:
        self.draining = self.edge.draining = True
        self.site.live.close()

    def _close(self) -> None:
        self.recorder.flush()
        self.tracing.close(CLOSING_TIMEOUT)
        if self.access_log is not None:
            self.access_log.close(CLOSING_TIMEOUT)
        self.pools.close()
        self.identities.close()
        self.scraping.close()

    def _consumers(self) -> list[Consumer]:
        consumers: list[Consumer] = [self.metrics, self.history, self.tracing]
        if self.access_log is not None:
            consumers.append(self.access_log)
        return consumers
