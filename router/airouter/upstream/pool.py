"""Connections to one provider: reused, bounded, swept for deadlines, drained when out of use.

A pool holds connections of `http/connection.py`, which `origin.py` opens; `pools.py` shares pools
between snapshots. `balancer.py` chooses among those of a Service's pods; `websocket.py` is what a
pool opens for sessions.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING

from airouter.eventloop.aside import LARGE
from airouter.http.connection import HttpConnection, StaleConnection
from airouter.interfaces import ConnectError, NoneFree
from airouter.upstream.origin import connect
from airouter.upstream.websocket import WebSocket

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from airouter.config.snapshot import Timeouts
    from airouter.eventloop.outbox import Outbox
    from airouter.eventloop.turns import Turns
    from airouter.http.reply import HttpReply
    from airouter.interfaces import EndedEarly
    from airouter.upstream.origin import Origin, Proxy

KEEP_IDLE = 50.0
"""Seconds that an unused connection is kept: less than the usual 60 s of load balancers."""


class Pool:
    """An `interfaces.Dialer`: HTTP/1.1 to one provider, and WebSockets."""

    def __init__(
        self,
        origin: Origin,
        timeouts: Timeouts,
        outbox: Outbox,
        turns: Turns,
        *,
        max_connections: int,
        body_limit: int,
        proxy: Proxy | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.timeouts = timeouts
        self.body_limit = body_limit
        self.turns = turns
        self.write = outbox.write
        self._outbox = outbox
        self._origin = origin
        self._proxy = proxy
        self._context = context
        self._max_connections = max_connections
        self._idle: deque[HttpConnection] = deque()
        self._busy: set[HttpConnection] = set()
        self._opening = 0
        self._waiters: deque[asyncio.Future[HttpConnection | None]] = deque()
        self._draining = False
        self._loop = asyncio.get_running_loop()
        self._sweeper: asyncio.TimerHandle | None = None
        self._sweep_every = sweep_interval(timeouts)
        self._target, self._host = self._request_line()
        self.others_answer: Callable[[Pool], bool] = nobody_else
        """Told when the server cuts an answer; whether others do what it did."""

    @property
    def in_flight(self) -> int:
        return len(self._busy)

    @property
    def pressure(self) -> int:
        """Requests that are in flight, or wait for a connection."""
        return len(self._busy) + self._opening + len(self._waiters)

    @property
    def idle(self) -> int:
        return len(self._idle)

    async def send(
        self,
        path: bytes,
        head: bytes,
        body: bytes,
        method: bytes = b"POST",
        *,
        streamed: bool = False,
    ) -> HttpReply:
        apart = body if len(body) > LARGE else b""
        data = b"%b%b%b%b%bcontent-length: %d\r\n\r\n%b" % (
            method,
            self._target,
            path,
            self._host,
            head,
            len(body),
            b"" if apart else body,
        )
        connection = self._reuse() or await self._acquire()
        try:
            return await connection.request(data, apart, streamed=streamed)
        except asyncio.CancelledError:
            connection.abort()
            raise
        except StaleConnection:
            return await self._send_again(data, apart, streamed=streamed)

    async def dial(self, path: bytes, head: bytes) -> WebSocket:
        """See `interfaces.Dialer`. A WebSocket is the caller's own and counts for no limit here."""
        socket: WebSocket | None = None
        host = self._origin.authority.encode()
        try:
            async with connecting(self.timeouts.connect):
                socket = await connect(
                    lambda: WebSocket(self._outbox, self.turns, self.body_limit),
                    self._origin,
                    self._proxy,
                    self._context,
                    tunnels=True,
                )
                await socket.shake_hands(path, host, head)
        except BaseException:
            if socket is not None:
                socket.close()
            raise
        return socket

    def drain(self) -> None:
        """Keep no connection alive from now on. Requests in flight end in their own time."""
        self._draining = True
        while self._idle:
            self._idle.popleft().abort()

    def close(self) -> None:
        """Cut every connection."""
        self.drain()
        for connection in list(self._busy):
            connection.abort()

    # What connections tell their owner.

    def release(self, connection: HttpConnection) -> None:
        self._busy.discard(connection)
        if self._draining:
            connection.abort()
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self._busy.add(connection)
                waiter.set_result(connection)
                return
        connection.idle_since = time.monotonic()
        self._idle.append(connection)

    def forget(self, connection: HttpConnection) -> None:
        self._busy.discard(connection)
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)
        self._call_waiter()

    def ended_early(self, error: EndedEarly) -> None:
        error.of_one_pod = self.others_answer(self)

    # Getting a connection.

    def _reuse(self) -> HttpConnection | None:
        idle = self._idle
        while idle:
            connection = idle.pop()
            if not connection.closed:
                self._busy.add(connection)
                return connection
        return None

    async def _acquire(self) -> HttpConnection:
        if len(self._busy) + self._opening < self._max_connections:
            return await self._open()
        try:
            async with asyncio.timeout(self.timeouts.connect):
                while True:
                    if (connection := await self._wait()) is not None:
                        return connection
                    if len(self._busy) + self._opening < self._max_connections:
                        return await self._open()
        except TimeoutError:
            raise NoneFree(
                f"all {self._max_connections} connections to the upstream are in use"
            ) from None

    async def _wait(self) -> HttpConnection | None:
        """Return a connection that became free, or None when there may be room for a new one."""
        waiter: asyncio.Future[HttpConnection | None] = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # it was its turn at the same moment
                self._give_back(waiter.result())
            else:
                with contextlib.suppress(ValueError):
                    self._waiters.remove(waiter)
            raise

    def _give_back(self, connection: HttpConnection | None) -> None:
        if connection is not None and not connection.closed:
            self.release(connection)
        else:
            self._call_waiter()

    def _call_waiter(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def _open(self) -> HttpConnection:
        self._opening += 1
        connection: HttpConnection | None = None
        try:
            async with connecting(self.timeouts.connect):
                connection = await connect(
                    lambda: HttpConnection(self), self._origin, self._proxy, self._context
                )
        finally:
            self._opening -= 1
            if connection is None:
                self._call_waiter()
        self._busy.add(connection)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self._sweep_every, self._sweep)
        return connection

    # One request.

    async def _send_again(self, data: bytes, apart: bytes, *, streamed: bool) -> HttpReply:
        """Send once more, on a connection that is new and so cannot be stale."""
        # No byte of an answer came: the provider closed the other connection while the request was
        # on its way, unread, so that even what is not idempotent may be repeated (RFC 9112, 9.3.1).
        connection = await self._open()
        try:
            return await connection.request(data, apart, streamed=streamed)
        except asyncio.CancelledError:
            connection.abort()
            raise

    def _request_line(self) -> tuple[bytes, bytes]:
        """Return the parts of a request between method and path, and after the path."""
        host = b" HTTP/1.1\r\nhost: " + self._origin.authority.encode() + b"\r\n"
        if self._proxy is None or self._context is not None:
            return b" ", host
        if self._proxy.authorization:
            host += b"proxy-authorization: " + self._proxy.authorization + b"\r\n"
        return b" http://" + self._origin.authority.encode(), host

    def _sweep(self) -> None:
        """End requests past their deadline, and close connections that have been idle for long."""
        now = time.monotonic()
        for connection in [c for c in self._busy if c.deadline <= now]:
            connection.expire(now)
        while self._idle and self._idle[0].idle_since + KEEP_IDLE <= now:
            self._idle.popleft().abort()
        self._sweeper = None
        if self._busy or self._idle:
            self._sweeper = self._loop.call_later(self._sweep_every, self._sweep)


def nobody_else(_: Pool) -> bool:
    """Return that no other pool does the same, where a balancer does not say otherwise."""
    return False


def sweep_interval(timeouts: Timeouts) -> float:
    """Return the seconds between sweeps, which keep a deadline to a twentieth of a timeout."""
    return min(1.0, max(0.01, min(timeouts.first_byte, timeouts.idle, timeouts.total) / 20))


@contextlib.asynccontextmanager
async def connecting(seconds: float) -> AsyncIterator[None]:
    """Bound the making of a connection. Raises `ConnectError` for whatever goes wrong in it."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise ConnectError(f"no connection within {seconds:g} s") from None
    except OSError as error:
        raise ConnectError(f"no connection: {error.strerror or error}") from None
