"""A bad network in front of the API server: connections that fall silent, break, or are refused.

It passes TLS through untouched, so that clients see the server's own certificate. It has a thread
and an event loop of its own, so that synchronous and asynchronous tests use it alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from support.kubernetes.credentials import redirected
from support.ports import free_port

ANSWERING = 60.0
RESET = struct.pack("ii", 1, 0)
"""Linger for no time: closing sends RST instead of FIN."""


class FaultyProxy:
    """Listens on 127.0.0.1 and passes every byte to the server and back, until told otherwise."""

    def __init__(self, url: str) -> None:
        target = urlsplit(url)
        self._target = (target.hostname, target.port)
        self._scheme = target.scheme
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], _Link] = {}

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def kubeconfig(self, original: Path) -> Path:
        """The same rights, through this proxy."""
        target = original.with_name(f"{original.stem}-through-{self.port}.kubeconfig")
        return redirected(original, self.url, target)

    def __enter__(self) -> Self:
        self._thread.start()
        self.accept()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWERING)
        self._loop.close()

    def freeze(self) -> None:
        """Connections of now stay open and swallow everything; new ones work."""
        self._do(self._freeze())

    def cut(self) -> None:
        """Connections of now are reset; new ones work."""
        self._do(self._cut())

    def refuse(self) -> None:
        """New connections are refused; those of now work."""
        self._do(self._refuse())

    def accept(self) -> None:
        """New connections work again."""
        self._do(self._accept())

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(ANSWERING)

    async def _freeze(self) -> None:
        for link in self._links.values():
            link.frozen = True

    async def _cut(self) -> None:
        tasks = list(self._links)
        for link in self._links.values():
            link.reset()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _accept(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        link = self._links[task] = _Link(reader, writer)
        try:
            await link.run(*self._target)
        except asyncio.CancelledError:
            pass  # cut: asyncio would report a cancelled connection as an error
        finally:
            del self._links[task]


class _Link:
    """A client's connection and the one to the server that belongs to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.frozen = False
        self._client = (reader, writer)
        self._writers = [writer]

    async def run(self, host: str | None, port: int | None) -> None:
        """Until one of both hangs up, or only the client where it is frozen."""
        try:
            server = await asyncio.open_connection(host, port)
            self._writers.append(server[1])
            up = asyncio.ensure_future(self._pass_on(self._client[0], server[1]))
            down = asyncio.ensure_future(self._pass_on(server[0], self._client[1]))
            await self._until_over(up, down)
        except OSError:
            self.reset()  # the server is down
        finally:
            self._close()

    def reset(self) -> None:
        """Break both."""
        for writer in self._writers:
            with contextlib.suppress(OSError):
                connection = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    async def _until_over(self, up: asyncio.Future[None], down: asyncio.Future[None]) -> None:
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if self.frozen:
                await up
        finally:
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                if not self.frozen:
                    writer.write(data)
                    await writer.drain()

    def _close(self) -> None:
        for writer in self._writers:
            writer.close()
