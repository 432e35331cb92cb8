"""Where bytes come in: a uvicorn protocol that takes the hot paths straight to the pipeline.

A plain `POST` to a hot path is collected here and served by a coroutine that starts at once, with
no ASGI scope, queue or task hand-over in between. Everything else, and whatever is not plain
(chunked or large bodies, `Expect`, a query), goes to `super()`, so to the FastAPI
application, which serves the same paths by the same pipeline.

uvicorn keeps its own rules for pipelining, shutdown and flow control: an `EdgeExchange` stands in
its queue beside uvicorn's own request cycles.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from airouter.wire import Exchange, Headers

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from airouter.outbox import Outbox

Serve = Callable[[Exchange], Coroutine[Any, Any, None]]

PLAIN_BODY_LIMIT = 1_048_576
"""Bytes; a larger body is received by the ASGI application, with backpressure."""
HEAD_LIMIT = 65_536
"""Bytes of a request line and its headers."""
NOT_PLAIN = frozenset({b"transfer-encoding", b"content-encoding", b"expect", b"upgrade"})
NO_LENGTH = 2**63
NEVER = float("inf")


def refusal(message: str, code: str, type_: str = "invalid_request_error") -> bytes:
    """An error for a request that never became one."""
    error = {"message": message, "type": type_, "param": None, "code": code}
    return msgspec.json.encode({"error": error})


NOT_HTTP = refusal("The request is not valid HTTP/1.1.", "invalid_http")
HEAD_TOO_LARGE = refusal(
    f"The request line and headers are larger than {HEAD_LIMIT} bytes.", "headers_too_large"
)
BODY_TOO_LARGE = refusal("The request body is too large.", "request_too_large")
TOO_MANY = refusal("The router has too many connections.", "overloaded", "server_error")


class Edge:
    """What all connections share."""

    def __init__(
        self,
        doors: dict[bytes, Serve],
        outbox: Outbox,
        *,
        body_limit: int,
        max_connections: int,
        keep_alive: float,
        request_timeout: float,
    ) -> None:
        """`doors` is hot path to what serves it; times are seconds, the limit is bytes."""
        self.doors = doors
        self.outbox = outbox
        self.plain_limit = min(body_limit, PLAIN_BODY_LIMIT)
        self.message_limit = HEAD_LIMIT + 2 * body_limit
        self.max_connections = max_connections
        self.keep_alive = keep_alive
        self.draining = False
        """Whether clients are asked to go elsewhere after their next answer."""
        self.request_timeout = request_timeout
        self._default_headers: object = None
        self._default_lines = b""

    def default_lines(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        """The header lines of every answer; uvicorn makes a new list when the date changes."""
        if headers is not self._default_headers:
            self._default_headers = headers
            self._default_lines = b"".join(b"%b: %b\r\n" % pair for pair in headers)
        return self._default_lines


class EdgeProtocol(HttpToolsProtocol):
    """One client connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        edge: Edge,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.edge = edge
        self.deadline = time.monotonic() + edge.request_timeout
        """When the client must have sent the next thing it owes us; compared by a sweep."""
        self._receiving: EdgeExchange | None = None
        """The exchange whose body is coming in."""
        self._serving: EdgeExchange | None = None
        """The exchange that the pipeline works on."""
        self._unfinished = -1
        """Bytes of a message that is not whole yet, its first read aside; -1 between messages."""
        self._fresh = False
        """Whether a message began in what was read last."""
        self._in_head = True

    # What the transport tells.

    def connection_made(  # type: ignore[override]  # as uvicorn has it
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.edge.max_connections:
            self._reject(503, TOO_MANY)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._fresh = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
        except httptools.HttpParserError:
            self._reject(400, NOT_HTTP)
        else:
            if self._unfinished >= 0 and not self._fresh:
                self._weigh(len(data))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._serving is not None:
            self._serving.lose_client()
        if isinstance(self.cycle, EdgeExchange):
            self.cycle = None  # as it is before a first request
        self.pipeline.clear()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._serving is not None and self._serving.source is not None:
            self._serving.source.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._serving is not None and self._serving.source is not None:
            self._serving.source.resume()

    def expire(self) -> None:
        """The client took too long: to send a request, or to begin another one."""
        if self._serving is None:  # else it may have what it asked for before
            self.transport.close()

    # What the parser finds.

    def on_message_begin(self) -> None:
        # The ASGI scope, which uvicorn makes here, is made in `on_headers_complete` if need be.
        self.url = b""
        self.headers = []
        self._in_head = self._fresh = True
        self._unfinished = 0
        self.deadline = time.monotonic() + self.edge.request_timeout

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # trailers are of no use here
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        serve = self.edge.doors.get(self.url)
        if serve is None or not self._is_plain(headers := dict(self.headers)):
            self._decline()
            return
        previous = self.cycle
        exchange = EdgeExchange(self, serve, headers)
        exchange.follows = None if previous is None or previous.response_complete else previous
        self._receiving = self.cycle = exchange  # type: ignore[assignment]  # see the module

    def on_body(self, body: bytes) -> None:
        exchange = self._receiving
        if exchange is None:
            super().on_body(body)
        else:
            exchange.body = exchange.body + body if exchange.body else body

    def on_message_complete(self) -> None:
        self._unfinished = -1
        self.deadline = NEVER
        exchange = self._receiving
        if exchange is None:
            super().on_message_complete()
            return
        self._receiving = None
        previous, exchange.follows = exchange.follows, None
        if previous is None or previous.response_complete:
            self._run(exchange)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, self.app))  # type: ignore[arg-type]

    def _is_plain(self, headers: dict[bytes, bytes]) -> bool:
        return (
            self.parser.get_method() == b"POST"
            and NOT_PLAIN.isdisjoint(headers)
            and int(headers.get(b"content-length", NO_LENGTH)) <= self.edge.plain_limit
        )

    def _decline(self) -> None:
        """Let uvicorn serve this request as if it had seen its beginning."""
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        self.headers = self.scope["headers"] = headers
        self.expect_100_continue = (b"expect", b"100-continue") in headers
        super().on_headers_complete()

    def _weigh(self, size: int) -> None:
        """Refuse a message that grows beyond what is read, whatever its framing says."""
        self._unfinished += size
        if self._in_head and self._unfinished > HEAD_LIMIT:
            self._reject(431, HEAD_TOO_LARGE)
        elif self._unfinished > self.edge.message_limit:
            self._reject(413, BODY_TOO_LARGE)

    # Serving.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if isinstance(cycle, EdgeExchange):  # from the queue of pipelined requests
            self._run(cycle)
        else:
            super()._start_asgi_task(cycle, app)

    def _run(self, exchange: EdgeExchange) -> None:
        self._serving = exchange
        exchange.run(self.loop)

    def served(self, exchange: EdgeExchange) -> None:
        """An exchange has its whole answer: go on with what was pipelined, or wait."""
        self._serving = None
        self.server_state.total_requests += 1
        if not exchange.keep_alive:
            self.edge.outbox.close(self.transport)
            return
        self.flow.resume_reading()
        if self.pipeline:  # not from here: a long queue would be as deep a recursion
            self.loop.call_soon(self._start_asgi_task, *self.pipeline.pop())
        elif self._unfinished < 0:
            self.deadline = time.monotonic() + self.edge.keep_alive

    def _reject(self, status: int, body: bytes) -> None:
        head = (
            STATUS_LINE[status],
            self.edge.default_lines(self.server_state.default_headers),
            b"content-type: application/json\r\n",
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body),
        )
        self.transport.write(b"".join((*head, body)))
        self.transport.close()


class EdgeExchange(Exchange):
    """An exchange over the transport of its connection."""

    __slots__ = (
        "_chunked",
        "_gone",
        "_outbox",
        "_protocol",
        "_serve",
        "_task",
        "_transport",
        "follows",
        "keep_alive",
        "response_complete",
    )

    def __init__(self, protocol: EdgeProtocol, serve: Serve, headers: dict[bytes, bytes]) -> None:
        self.headers = headers
        self.body = b""
        self.started = False
        self.source = None
        self.follows: Any = None
        """The request before it on the connection, as long as that has no whole answer."""
        self._chunked = protocol.parser.get_http_version() == "1.1"
        """Older clients are told the end of a stream by the end of the connection."""
        self.keep_alive = (
            self._chunked and not protocol.edge.draining and protocol.parser.should_keep_alive()
        )
        self.response_complete = False
        self._protocol = protocol
        self._outbox = protocol.edge.outbox
        self._transport = protocol.transport
        self._serve = serve
        self._task: asyncio.Task[None] | None = None
        self._gone = False

    def run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the pipeline, on new Pythons without waiting for the loop's next turn."""
        serving = self._serve(self)
        if sys.version_info >= (3, 12):
            self._task = asyncio.Task(serving, loop=loop, eager_start=True)
        else:
            self._task = loop.create_task(serving)

    def lose_client(self) -> None:
        """The client is gone: nobody waits for an answer."""
        self._gone = True
        if self._task is not None:
            self._task.cancel()

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        if self._gone:
            return
        self.started = True
        lines = self._head(status, headers)
        lines.append(b"content-length: %d\r\n\r\n" % len(body))
        lines.append(body)
        self._outbox.write(self._transport, b"".join(lines))
        self._complete()

    def start(self, status: int, headers: Headers) -> None:
        self.started = True
        if not self._gone:
            lines = self._head(status, headers)
            lines.append(b"transfer-encoding: chunked\r\n\r\n" if self._chunked else b"\r\n")
            self._outbox.write(self._transport, b"".join(lines))

    def write(self, data: bytes) -> None:
        if data and not self._gone:
            framed = b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data
            self._outbox.write(self._transport, framed)

    def end(self) -> None:
        if not self._gone:
            if self._chunked:
                self._outbox.write(self._transport, b"0\r\n\r\n")
            self._complete()

    def abort(self) -> None:
        self._gone = True
        self._transport.abort()

    def _head(self, status: int, headers: Headers) -> list[bytes]:
        protocol = self._protocol
        lines = [
            STATUS_LINE[status],
            protocol.edge.default_lines(protocol.server_state.default_headers),
        ]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        return lines

    def _complete(self) -> None:
        self.response_complete = True
        self.body = b""
        self._protocol.served(self)
