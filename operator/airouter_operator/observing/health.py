"""`/healthz`, `/readyz` and `/metrics` of the operator.

kopf's own probe answers as long as the process does, also when its watches are long dead. This one
fails when a watch has provably missed something and stays silent, or when a task of the operator
has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from airouter_operator.sites import start_site

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter_operator.observing.metrics import OperatorMetrics

GRACEFUL = 0.5


class HealthServer:
    """The three pages, on a port of their own."""

    def __init__(
        self,
        problems: Callable[[], list[str]],
        ready: Callable[[], bool],
        metrics: OperatorMetrics,
    ) -> None:
        """Fail `/healthz` for as long as there are problems, and list them there."""
        self._problems = problems
        self._ready = ready
        self._metrics = metrics
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port."""
        application = web.Application()
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._scrape)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=GRACEFUL)
        return await start_site(self._runner, host, port)

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        problems = self._problems()
        return web.json_response(
            {"status": "failing" if problems else "ok", "problems": problems},
            status=503 if problems else 200,
        )

    async def _readyz(self, _: web.Request) -> web.Response:
        ready = self._ready()
        return web.json_response({"ready": ready}, status=200 if ready else 503)

    async def _scrape(self, request: web.Request) -> web.Response:
        body, content_type = self._metrics.render(request.headers.get("accept", ""))
        return web.Response(body=body, headers={"content-type": content_type})
