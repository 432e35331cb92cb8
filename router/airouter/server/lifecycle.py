"""The server from its first socket to its last byte.

On SIGTERM the pod first stops being ready, while it still accepts: endpoints need seconds
to be taken out of a Service. After this grace the listeners close, idle connections too, and
requests in flight may finish until a deadline. SIGINT comes from a person at a terminal, where no
Service is: it goes without the grace. A second signal ends the process at once. `app.py` builds the
server; `edge/` and `api/websocket.py` are the connections that it sweeps.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import time
from typing import TYPE_CHECKING

from uvicorn import Config, Server

from airouter.api.websocket import WebSocketProtocol
from airouter.edge import EdgeProtocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

logger = logging.getLogger("airouter.server")

SIGNALS = (signal.SIGTERM, signal.SIGINT)
ACCEPTING = 16
"""Descriptors of each socket that listens. libuv accepts one connection of each in a pass of the
loop, and all have one queue, in which thousands of one client's come before another's.
"""
TICK = 0.1
"""Seconds."""
SETTLING = 8
"""Passes of the loop after which a socket that was accepted is a connection, or is gone."""
SWEEP_EVERY = 1.0
SWEPT = (EdgeProtocol, WebSocketProtocol)
"""The connections that are held to a deadline."""

REMEDIES = {
    errno.EADDRINUSE: "end the process that listens there, or choose another with --port",
    errno.EACCES: "choose a port from 1024 on with --port",
}
NO_ADDRESS = "choose an address of this machine with --host"


class RouterServer(Server):
    """A uvicorn server that drains as a pod should."""

    def __init__(
        self,
        config: Config,
        *,
        grace: float,
        on_ready: Callable[[int], None],
        on_drain: Callable[[], None],
        on_sweep: Callable[[], None],
    ) -> None:
        """`on_ready` gets the port, the first signal calls `on_drain`, each second `on_sweep`.

        `grace` is in seconds.
        """
        super().__init__(config)
        self._grace = grace
        self._on_ready = on_ready
        self._on_drain = on_drain
        self._on_sweep = on_sweep
        self._draining = False
        self._tick = asyncio.Event()
        self._swept_at = 0.0

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Drain on a signal; unlike uvicorn, end with exit code 0 afterwards."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if not self._draining:
            self._draining = True
            grace = 0.0 if sig == signal.SIGINT else self._grace
            asyncio.get_running_loop().call_later(grace, self.end)
            logger.info(
                "draining: %s (a second one ends requests under way)", signal.Signals(sig).name
            )
            self._on_drain()
        else:
            logger.warning("second signal: ending now")
            self.force_exit = True
            self.end()
            for connection in list(self.server_state.connections):
                connection.transport.abort()

    def end(self) -> None:
        """Accept no more, and end with the last request or at the deadline."""
        self.should_exit = True
        self._tick.set()

    async def main_loop(self) -> None:
        """Tick until the end, which comes between two ticks as well."""
        loop = asyncio.get_running_loop()
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            self._tick.clear()
            timer = loop.call_later(TICK, self._tick.set)
            await self._tick.wait()
            timer.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what listens, and return with the last connection.

        Where there is none, that is at once: uvicorn takes a tenth of a second at least.
        """
        for each in (*self.servers, *(sockets or ())):
            each.close()
        for _ in range(SETTLING):
            await asyncio.sleep(0)
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        with remedy_for_listening():
            await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        await self._accept_more_often()
        self._on_ready(port)

    async def _accept_more_often(self) -> None:
        """Listen on more descriptors of the same sockets."""
        first = self.servers
        listening = [each for server in first for each in server.sockets]
        await super().startup(
            [socket.socket(fileno=os.dup(each.fileno())) for each in listening * (ACCEPTING - 1)]
        )
        self.servers = [*first, *self.servers]

    async def on_tick(self, counter: int) -> bool:
        """Sweep; called ten times a second."""
        now = time.monotonic()
        if now - self._swept_at >= SWEEP_EVERY:
            self._swept_at = now
            self._sweep(now)
            self._on_sweep()
        return await super().on_tick(counter)

    def _sweep(self, now: float) -> None:
        """Close connections that have passed their deadline."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, SWEPT) and connection.deadline <= now:
                connection.expire()


@contextlib.contextmanager
def remedy_for_listening() -> Iterator[None]:
    """Put the remedy into the line that uvicorn logs before it exits: it cannot listen."""
    uvicorn = logging.getLogger("uvicorn.error")

    def add_remedy(record: logging.LogRecord) -> bool:
        if isinstance(problem := record.msg, OSError):
            record.msg = f"{problem} (fix: {REMEDIES.get(problem.errno or 0, NO_ADDRESS)})"
        return True

    uvicorn.addFilter(add_remedy)
    try:
        yield
    finally:
        uvicorn.removeFilter(add_remedy)
