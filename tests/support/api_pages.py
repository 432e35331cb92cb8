"""A stand-in for an API server that answers with pages: lists, and what a balancer says instead.

For what a real one does not do when it is told to: to be slow, to answer nonsense, to have gone
back in time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from airouter_operator.kube.client import KubeClient


@contextlib.asynccontextmanager
async def serving(pages: dict[str, object], delay: float = 0.0) -> AsyncIterator[str]:
    """The URL of a server that answers with the page of a path, or else an empty list.

    `delay` is seconds of each answer. The pages may be changed while it runs.
    """

    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(delay)
        page = pages.get(request.path, {"items": []})
        return web.Response(text=page) if isinstance(page, str) else web.json_response(page)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def asking(url: str, seconds: float = 10.0) -> AsyncIterator[tuple[KubeClient, ApiClient]]:
    """The API server at a URL that has so long to answer, and the client that is asked first."""
    client = ApiClient(Configuration(host=url))
    api = KubeClient(client, seconds)
    try:
        yield api, client
    finally:
        await api.close()
