"""The exchange of a plain request: the pipeline's answer goes straight to the transport.

`protocol.py` makes one of each request that it has read, and hears when it has its answer.
"""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.protocols.utils import get_remote_addr

from airouter.eventloop.tasks import start_eagerly
from airouter.failures import Failure, drop_frames
from airouter.http.cors import ORIGIN, allowance
from airouter.http.unpacking import HEADER as PACKED
from airouter.http.unpacking import codings_in
from airouter.interfaces import Exchange

if TYPE_CHECKING:
    import asyncio

    import httptools
    from uvicorn.server import ServerState

    from airouter.bounds.held_bytes import Holding
    from airouter.edge.flow import Flow
    from airouter.edge.shared import Edge
    from airouter.interfaces import Headers, Serve


NOT_PLAIN = frozenset({b"transfer-encoding", b"expect", b"upgrade"})


class ClientConnection(Protocol):
    """A client's connection, as its exchanges see it: an `EdgeProtocol`."""

    edge: Edge
    flow: Flow
    headers: Headers
    parser: httptools.HttpRequestParser
    server_state: ServerState
    transport: asyncio.Transport

    def served(self, exchange: EdgeExchange) -> None:
        """Take note that an exchange has its whole answer."""
        ...


def is_plain(method: bytes, headers: dict[bytes, bytes]) -> bool:
    """Return whether a request for a hot path may be an `EdgeExchange`."""
    sized = b"content-length" in headers
    return method == b"POST" and sized and NOT_PLAIN.isdisjoint(headers)


class EdgeExchange(Exchange):
    """An exchange over the transport of its connection."""

    __slots__ = (
        "_chunked",
        "_connection",
        "_gone",
        "_outbox",
        "_pieces",
        "_serve",
        "_task",
        "_transport",
        "follows",
        "given",
        "holding",
        "keep_alive",
        "packed",
        "refused",
        "response_complete",
    )

    beats = True

    def __init__(
        self, connection: ClientConnection, serve: Serve, headers: dict[bytes, bytes]
    ) -> None:
        self.headers = headers
        self.given = connection.headers
        """All headers, also those that are given twice."""
        self.body = b""
        self.started = False
        self.source = None
        self.follows: Any = None
        """The request before this one on the connection, as long as that has no whole answer."""
        self._chunked = connection.parser.get_http_version() == "1.1"
        """Whether a stream ends with its last chunk; for HTTP/1.0 it ends with the connection."""
        self.keep_alive = (
            self._chunked and not connection.edge.draining and connection.parser.should_keep_alive()
        )
        self.response_complete = False
        self.refused = False
        """Whether nothing is kept of the body: the answer is known."""
        self.holding: Holding | None = None
        """The body's bytes, where it is so large that they are held."""
        self.packed = PACKED in headers
        """Whether the headers name a coding of the body."""
        self._pieces: BytesIO | None = None
        """The body, where it comes in pieces: very many, perhaps. It is not copied once more."""
        self._connection = connection
        self._outbox = connection.edge.outbox
        self._transport = connection.transport
        self._serve = serve
        self._task: asyncio.Task[None] | None = None
        self._gone = False

    @property
    def peer(self) -> tuple[str, int] | None:
        return get_remote_addr(self._transport)

    @property
    def judged(self) -> bool:
        """True once the head was admitted or refused; it need not be, if the body came with it."""
        return self.refused or self.holding is not None

    @property
    def size(self) -> int:
        """Bytes of the body, by its header."""
        return int(self.headers[b"content-length"])

    @property
    def response_started(self) -> bool:
        """True once some of the answer is sent, by the name that it has for uvicorn."""
        return self.started

    @property
    def gone(self) -> bool:
        """True once nobody waits for the answer any more."""
        return self._gone

    @property
    def owed(self) -> int:
        """Bytes of the body that have not come."""
        return self.size - (len(self.body) if self._pieces is None else self._pieces.tell())

    def add(self, piece: bytes) -> None:
        """Take a piece of the body."""
        if not self.body:
            self.body = piece
            return
        if self._pieces is None:
            self._pieces = BytesIO()
            self._pieces.write(self.body)
        self._pieces.write(piece)

    def refuse(self, failure: Failure) -> None:
        """Have the pipeline answer with a failure, and take nothing of the body."""
        self._serve = partial(self._serve, refusal=failure)
        self.refused = True
        self.body, self._pieces = b"", None

    def run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the pipeline."""
        if self._pieces is not None:
            self.body, self._pieces = self._pieces.getvalue(), None
        serving = self._serve_packed() if self.packed else self._serve(self)
        self._task = start_eagerly(serving, loop)

    async def _serve_packed(self) -> None:
        """Serve a request whose body is encoded; each of them is held from its head on."""
        if self.holding is not None and not self.refused:
            unpack = self._connection.edge.admission.unpack
            try:
                self.body = await unpack(self.body, codings_in(self.given), self.holding)
            except Failure as failure:
                self.refuse(failure)
                drop_frames(failure)
        await self._serve(self)

    def lose_client(self) -> None:
        """Cancel the request: its client is gone."""
        self._gone = True
        self.release()
        if self._task is not None:
            self._task.cancel()
            self._task = None  # whose end, an exception, has the frames that have this exchange

    def release(self) -> None:
        """Let go of the body, which is not needed any more."""
        self.body, self._pieces = b"", None
        if self.holding is not None:
            self.holding.release()

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        if self._gone:
            return
        self.started = True
        head = self._head(status, headers)
        answer = b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)
        self._outbox.write(self._transport, answer)
        self._complete()

    def start(self, status: int, headers: Headers) -> None:
        self.started = True
        if not self._gone:
            end = b"transfer-encoding: chunked\r\n\r\n" if self._chunked else b"\r\n"
            self._outbox.write(self._transport, self._head(status, headers) + end)
            if self._connection.flow.write_paused and self.source is not None:
                self.source.pause()  # the client has not taken the answer before this one yet

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
        self.release()
        self._transport.abort()

    def _head(self, status: int, headers: Headers) -> bytes:
        """Return the head but for what frames the body."""
        connection = self._connection
        if ORIGIN in self.headers:
            cors = connection.edge.admission.cors
            headers = [*headers, *allowance(cors, self.headers[ORIGIN])]
        lines = [b": ".join(header) for header in headers]
        if not self.keep_alive:
            lines.append(b"connection: close")
        lines.append(b"")  # so that each of them is ended
        always = connection.edge.default_lines(connection.server_state.default_headers)
        return STATUS_LINE[status] + always + b"\r\n".join(lines)

    def _complete(self) -> None:
        self.response_complete = True
        self.body = b""
        if self.holding is not None:
            self.holding.release()
        self._connection.served(self)
