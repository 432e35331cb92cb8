"""A site to be fetched from, with a certificate and a name of its own."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
import trustme
from aiohttp import web

from airouter.failures import Failure
from airouter.upstream.fetching import Fetcher

AUTHORITY = trustme.CA()
NAME = "files.example"
PNG = bytes(range(256)) * 40 + b"\x01"
LOOPBACK = ["127.0.0.1"]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Names:
    """A name server that counts, and says something else at every question."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


class Site:
    """A server; `place` is what an allow-list calls it."""

    def __init__(self, scheme: str, port: int) -> None:
        self.place = f"{NAME}:{port}"
        self.root = f"{scheme}://{self.place}"
        self.seen: list[web.Request] = []
        self.names = Names(LOOPBACK)

    def fetcher(self, **more: object) -> Fetcher:
        context = ssl.create_default_context()
        AUTHORITY.configure_trust(context)
        settings = {"resolve": self.names, "context": context, **more}
        return Fetcher([self.place], **settings)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def serving(handler: Handler, name: str | None = NAME) -> AsyncIterator[Site]:
    """A site with a certificate for a name; plain http without one."""
    context = None
    if name is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        AUTHORITY.issue_cert(name).configure_cert(context)

    async def answer(request: web.Request) -> web.StreamResponse:
        site.seen.append(request)
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    site = Site("https" if context else "http", runner.addresses[0][1])
    try:
        yield site
    finally:
        await runner.cleanup()


def answering(
    body: bytes = PNG, status: int = 200, kind: str = "image/png", **headers: str
) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=body, status=status, headers={"content-type": kind, **named})

    return answer


async def why(fetcher: Fetcher, url: str) -> str:
    """What the client is told of a URL that is not fetched."""
    with pytest.raises(Failure) as caught:
        await fetcher.fetch(url)
    failure = caught.value
    assert (failure.status, failure.param, failure.code) == (400, "messages", "invalid_url")
    return failure.message.partition("this model: ")[2]
