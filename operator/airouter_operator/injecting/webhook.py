"""The webhook: the API server posts each pod that is created where routers are injected.

It is a port of its own, which the API server must reach, whatever is kept from the stream. What is
answered depends on nothing secret, so anybody may ask. Every replica answers, whichever leads.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from airouter.untrusted import UNREADABLE
from airouter_operator.injecting.review import AdmissionReview, allow
from airouter_operator.kube.errors import KubeError
from airouter_operator.sites import start_site

if TYPE_CHECKING:
    import ssl

    from airouter_operator.injecting.injector import Injector

PATH = "/v1/inject"
MAX_REVIEW = 4 * 1024 * 1024
"""Bytes. A pod is at most 1.5 MiB in etcd, and a review may have it as JSON."""
PATIENCE = 2.0
"""Seconds for an answer; the API server goes on without one after `timeoutSeconds`."""
GRACEFUL = 1.0


class InjectionWebhook:
    """Answers reviews of pods."""

    def __init__(self, injector: Injector) -> None:
        self._injector = injector
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext) -> int:
        """Listen, and return the port. Raises `CannotListen`."""
        application = web.Application(client_max_size=MAX_REVIEW)
        application.router.add_post(PATH, self.answer)
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=GRACEFUL
        )
        return await start_site(self._runner, host, port, tls)

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a review. A status other than 200 has the API server create the pod as it is."""
        try:
            async with asyncio.timeout(PATIENCE):
                review = msgspec.json.decode(await request.read(), type=AdmissionReview)
                verdict = await self._injector.judge(review.request)
        except UNREADABLE:
            return web.Response(status=400)
        except (TimeoutError, KubeError):
            return web.Response(status=503)
        return web.json_response(allow(review.request, *verdict))
