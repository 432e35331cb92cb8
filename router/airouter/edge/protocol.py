"""A connection of a client: a uvicorn protocol that serves plain requests by itself.

`exchange.py` is a request that the pipeline serves, `flow.py` says when the client is read, and
`shared.py` has the bounds. `server/lifecycle.py` sweeps for the deadline of each connection.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from airouter.bounds.held_bytes import SMALL
from airouter.edge.exchange import EdgeExchange, is_plain
from airouter.edge.flow import Flow
from airouter.edge.refusals import (
    BODY_TOO_LARGE,
    HEAD_TOO_LARGE,
    NOT_HTTP,
    TOO_MANY,
    TOO_MUCH,
    last_answer,
)
from airouter.edge.shared import HEAD_LIMIT, NEVER, QUEUED, SLICE, STOPS
from airouter.edge.unserved import Unserved
from airouter.edge.upgrades import head_without_offer, is_handshake, new_parser, open_websocket
from airouter.failures import Failure
from airouter.http.backlog import Backlog
from airouter.http.untaken import Untaken

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import ASGI3Application

    from airouter.edge.shared import Edge
    from airouter.interfaces import Headers


class EdgeProtocol(HttpToolsProtocol):
    """A connection of a client, by uvicorn's rules for all that is not plain."""

    def __init__(self, *uvicorn: Any, edge: Edge, **given: Any) -> None:
        super().__init__(*uvicorn, **given)
        self.flow: Flow
        self.edge = edge
        self.deadline = monotonic() + edge.request_timeout
        """When the client must have sent the next thing that it owes; compared by a sweep."""
        self._receiving: EdgeExchange | None = None
        """The exchange whose body is coming in."""
        self._serving: EdgeExchange | None = None
        """The exchange that the pipeline works on."""
        self._owed = 0
        """Bytes that have not come of a declined body whose length is known."""
        self._unfinished = -1
        """Bytes of a message that is not whole yet, without its first read; -1 between messages."""
        self._fresh = False
        """Whether a message began in what was read last."""
        self._in_head = True
        self._held = False
        """Whether the next request waits for the client to take the answers before it."""
        self._untaken: Untaken
        self._answering: Headers = []
        """The headers of the request that is served or was served last."""
        self._refusal = b""
        """The last answer, for when all that came before has its own."""
        self._offered = False
        """Whether a request offers another protocol: the request is read anew without the offer."""
        self._frames: bytes | None = None
        """What has come for a WebSocket, while the requests before its handshake are served."""
        self._backlog = Backlog(self, edge.turns)
        self._unserved = Unserved(edge.admission.held)

    # What the transport tells.

    def connection_made(  # type: ignore[override]  # as uvicorn has it
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        self.flow = Flow(transport, self._is_behind)
        self._untaken = Untaken(transport)
        if len(self.connections) > self.edge.max_connections:
            self._reject(503, TOO_MANY)

    def data_received(self, data: bytes) -> None:
        if len(data) <= SLICE and not self._backlog.unread:
            self.parse(data)
        elif self._has_room_for(data):
            self.flow.pause_reading()
            self._backlog.add(data)

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn's never wants to go on
        """Close after what was answered already; a client that hangs up waits for no more."""
        if self._serving is not None:
            return False
        self.edge.outbox.close(self.transport)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self._serving is not None:
            self._serving.lose_client()
        self.cycle = self._unserved.cycle  # type: ignore[assignment]  # uvicorn tells the last that came
        for exchange in (self._receiving, *(cycle for cycle, _ in self.pipeline)):
            if isinstance(exchange, EdgeExchange):
                exchange.release()
        self.pipeline.clear()
        self._untaken.release()
        super().connection_lost(exc)
        self._let_go()

    def _let_go(self) -> None:
        """Let go of what has this connection, so that it goes without the collector."""
        self._serving = self._receiving = None
        self._unserved.let_go()
        self._backlog.close()
        self.flow.close()

    def pause_writing(self) -> None:
        """Read no further: the client takes less than it gets, and has to catch up first."""
        super().pause_writing()
        self.flow.pause_reading()
        self._untaken.hold(self.edge.admission.for_answers(self._answering))
        self.deadline = monotonic() + self.edge.request_timeout
        if self._serving is not None and self._serving.source is not None:
            self._serving.source.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._untaken.release()
        self.deadline = NEVER if self._unfinished < 0 else monotonic() + self.edge.request_timeout
        if self._serving is not None and self._serving.source is not None:
            self._serving.source.resume()
        if self._held:
            self._held = False
            self._go_on()
        else:
            self.flow.resume_reading()

    def expire(self) -> None:
        """End a connection whose client was too slow to send a request or to take an answer."""
        if self.flow.write_paused:
            if self._untaken.look():
                self.deadline = monotonic() + self.edge.request_timeout
            else:
                self.transport.abort()
        elif self.transport.is_closing():
            self.transport.abort()
        elif self._serving is None:  # a request in service may have its answer first
            self.transport.close()

    # What is parsed.

    def parse(self, data: bytes | memoryview) -> None:
        """Parse a slice of what was received."""
        self._fresh = False
        try:
            self.parser.feed_data(data)
        except STOPS as stop:
            self._read_otherwise(data, stop)
        if self._unfinished >= 0:
            if (exchange := self._receiving) is not None and not exchange.judged:
                self._admit(exchange)
            self._weigh(len(data))
        elif self._unserved.is_held:
            self._hold()

    def slice_size(self) -> int:
        ended = self._refusal or self._frames is not None or self.transport.is_closing()
        if ended or self.pipeline or self.flow.write_paused:
            return 0
        return max(SLICE, self._owed if self._receiving is None else self._receiving.owed)

    def rest(self) -> None:
        self._hold()
        self.flow.resume_reading()

    def _read_otherwise(self, data: bytes | memoryview, stop: Exception | None) -> None:
        """Go on where the parser stopped: at the offer of another protocol, or at no HTTP."""
        while isinstance(stop, httptools.HttpParserUpgrade) and self._offered:
            head = head_without_offer(self.parser, self.url, self.headers)
            data = head + bytes(data[stop.args[0] :])
            self._offered, self.parser, stop = False, new_parser(self), None
            try:
                self.parser.feed_data(data)
            except STOPS as another:
                stop = another
        if isinstance(stop, httptools.HttpParserUpgrade) and self._should_upgrade():
            self._frames = bytes(data[stop.args[0] :])
            self.flow.pause_reading()
            if self.cycle is None or self.cycle.response_complete:
                self._go_on()
        elif stop is not None:  # a CONNECT, too
            self._reject(400, NOT_HTTP)

    def _has_room_for(self, data: bytes) -> bool:
        """Hold what waits to be parsed, or refuse it: very many connections may send at once."""
        receiving = self._receiving
        is_held = receiving is not None and receiving.holding is not None
        return is_held or self._hold(len(data))

    def _hold(self, received: int = 0) -> bool:
        """Hold what has come and is no request yet, or one that waits; refuse it without room."""
        head = max(0, self._unfinished) if self._in_head else 0
        waiting = received + len(self._backlog.unread) + QUEUED * len(self.pipeline)
        has_room = self._unserved.hold(head + waiting)
        if not has_room:
            self._reject(503, TOO_MUCH)
        return has_room

    def _is_behind(self) -> bool:
        behind = self.pipeline or self._backlog.unread or self._unserved.is_much
        return bool(behind) or self._frames is not None

    # What the parser finds.

    def on_message_begin(self) -> None:
        # The ASGI scope, which uvicorn makes here, is made in `on_headers_complete` if need be.
        self.url = b""
        self.headers = []
        self._in_head = self._fresh = True
        self._unfinished = 0
        self.deadline = monotonic() + self.edge.request_timeout

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # trailers are of no use here
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        serve = self.edge.endpoints.get(self.url)
        headers = dict(self.headers)
        size = int(headers.get(b"content-length", 0))
        large = size > self.edge.plain_limit
        if serve is None or large or not is_plain(self.parser.get_method(), headers):
            self._owed = size
            self._decline()
            self._in_head = False
            return
        self._in_head = False
        previous = self.cycle
        exchange = EdgeExchange(self, serve, headers)
        exchange.follows = None if previous is None or previous.response_complete else previous
        self._receiving = self.cycle = exchange  # type: ignore[assignment]  # see the module
        if size > SMALL or exchange.packed or len(headers) < len(self.headers):
            self._admit(exchange)

    def on_body(self, body: bytes) -> None:
        exchange = self._receiving
        if exchange is None:
            self._owed -= len(body)
            super().on_body(body)
        elif not exchange.refused:
            exchange.add(body)

    def on_message_complete(self) -> None:
        self._unfinished, self.deadline = -1, NEVER
        exchange = self._receiving
        if exchange is None:
            if self._offered:
                return
            super().on_message_complete()
            if self.cycle is not None and self.cycle.response_complete:  # before it was whole
                self.deadline = monotonic() + self.edge.keep_alive
            return
        self._receiving = None
        if not exchange.refused:
            self._enter(exchange)
        elif exchange.response_complete:
            self._leave(exchange)

    def _admit(self, exchange: EdgeExchange) -> None:
        """Hold the body of a request at its head, or have the request refused at once."""
        self._unserved.admit(exchange.size)
        try:
            exchange.holding = self.edge.admission.admit(self.headers, exchange.size)
        except Failure as failure:
            exchange.refuse(failure)
            self._enter(exchange)

    def _enter(self, exchange: EdgeExchange) -> None:
        """Serve an exchange, after those before it."""
        previous, exchange.follows = exchange.follows, None
        if previous is None or previous.response_complete:
            self._run(exchange)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, self.app))  # type: ignore[arg-type]

    def _should_upgrade(self) -> bool:
        return is_handshake(self.parser.get_method(), self.headers) and super()._should_upgrade()

    def _decline(self) -> None:
        """Let uvicorn serve this request as if it had seen its beginning."""
        if self.parser.should_upgrade() and not self._should_upgrade():
            self._offered = self.parser.get_method() != b"CONNECT"
            if self._offered:
                return
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        self.headers = self.scope["headers"] = headers
        self.expect_100_continue = dict(headers).get(b"expect", b"").lower() == b"100-continue"
        super().on_headers_complete()

    def _weigh(self, size: int) -> None:
        """Refuse a message that grows beyond what is read, whatever its framing says."""
        if not self._fresh:
            self._unfinished += size
        if self._in_head and self._unfinished > HEAD_LIMIT:
            self._reject(431, HEAD_TOO_LARGE)
        elif self._unfinished > self.edge.message_limit:
            self._reject(413, BODY_TOO_LARGE)
        elif self._in_head or self._unserved.is_held:
            self._hold()

    # Serving.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if not isinstance(cycle, EdgeExchange):
            self._unserved.cycle, self._answering = cycle, [*cycle.scope["headers"]]
            return super()._start_asgi_task(cycle, app)
        return self._run(cycle)  # from the queue of pipelined requests

    def _run(self, exchange: EdgeExchange) -> None:
        self._serving, self._answering = exchange, exchange.given
        queue = self.edge.queue
        if queue.unseen or queue.has_room(exchange):
            queue.unseen -= 1
            exchange.run(self.loop)

    def served(self, exchange: EdgeExchange) -> None:
        """Go on with what was pipelined, or wait: an exchange has its whole answer."""
        self._serving = None
        self.server_state.total_requests += 1
        if not exchange.keep_alive and exchange is not self._receiving:
            self._leave(exchange)  # else it was refused, and the client sends the rest first
        elif self.pipeline:  # not from here: a long queue would be as deep a recursion
            self.loop.call_soon(self._go_on)
        else:
            self._go_on()

    def _leave(self, exchange: EdgeExchange) -> None:
        """Wait for the next request after an exchange that is whole, or for none."""
        self.deadline = monotonic() + self.edge.keep_alive
        if not exchange.keep_alive:
            self.edge.outbox.close(self.transport)

    def on_response_complete(self) -> None:  # uvicorn calls this after one of the application's
        self.server_state.total_requests += 1
        self._unserved.drop_body()
        self._hold()
        self._go_on()

    def _go_on(self) -> None:
        """Serve what was pipelined, or wait for more, once the answers before were taken."""
        if self.flow.write_paused:
            self._held = True
        elif self.pipeline and not self.transport.is_closing():
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal:
            self.edge.outbox.write(self.transport, self._refusal)
            self.edge.outbox.close(self.transport)
            return
        elif self._frames is not None:
            self._hand_over(self._frames)
            return
        elif self._unfinished < 0:
            self.deadline = monotonic() + self.edge.keep_alive
        if self._backlog.unread:
            self._backlog.share()
        self.flow.resume_reading()

    def _hand_over(self, frames: bytes) -> None:
        """Leave the connection to a WebSocket, from its handshake on."""
        self.connections.discard(self)
        open_websocket(self, frames + self._backlog.take())
        self._frames = None
        self._let_go()
        self.flow.resume_reading()
        self.parser = None  # type: ignore[assignment]  # as uvicorn has it at the end

    def _reject(self, status: int, body: bytes) -> None:
        """Refuse what came in, after the answers to what came before it."""
        if self._refusal:
            return
        self.flow.pause_reading()
        cycle = self.cycle
        if self._in_head:
            owed = not (cycle is None or cycle.response_complete)
        elif owed := bool(self.pipeline):
            self.pipeline.popleft()  # the request that is refused, and not served any more
        elif cycle.response_started:
            self.transport.close()
            return
        url = b"" if self._in_head else self.url
        self._refusal = last_answer(self.edge, self.server_state, status, body, url)
        if not owed:
            self._go_on()
