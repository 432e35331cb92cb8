"""The endpoints, bounds and header lines that all connections of clients share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import httptools

if TYPE_CHECKING:
    from airouter.bounds.held_bytes import HeldBytes, Holding
    from airouter.config.snapshot import Cors
    from airouter.edge.fair_queue import FairQueue
    from airouter.eventloop.outbox import Outbox
    from airouter.eventloop.turns import Turns
    from airouter.interfaces import Headers, Serve
    from airouter.telemetry.record import RequestRecord


PLAIN_BODY_LIMIT = 1_048_576
"""Bytes; a larger body is received by the ASGI application, with backpressure."""
HEAD_LIMIT = 65_536
"""Bytes of a request line and its headers."""
SLICE = 2_048
"""Bytes that are parsed at a time outside a body: most requests, or a hundred of the smallest."""
NEVER = float("inf")
"""The deadline of a client that owes nothing."""
STOPS = (httptools.HttpParserUpgrade, httptools.HttpParserError)
"""What ends the parsing of requests."""
QUEUED = 4_096
"""Bytes that a request costs, beside its own, while it waits for its turn."""


class Admit(Protocol):
    """Decides of a request at the end of its head: an `Admission`."""

    held: HeldBytes

    @property
    def cors(self) -> Cors | None:
        """Sites whose pages may ask."""
        ...

    def admit(self, headers: Headers, size: int) -> Holding:
        """Return the holding for a body of `size` bytes. Raises `Failure` 400, 401, 503."""
        ...

    def client_of(self, headers: Headers) -> str:
        """Return the client of a request; that of a wrong key is nobody."""
        ...

    def for_answers(self, headers: Headers) -> Holding:
        """Return a holding for what the client of a request has not taken of its answer."""
        ...

    def record(self, record: RequestRecord) -> None:
        """Count and log a request that the pipeline never got."""
        ...

    async def unpack(self, body: bytes, codings: list[str], holding: Holding) -> bytes:
        """Return a body without its codings. Raises `Failure` 400, 413, 503."""
        ...


class Edge:
    """The edge of a process, as its connections see it. `app.py` builds the one."""

    def __init__(
        self,
        endpoints: dict[bytes, Serve],
        outbox: Outbox,
        turns: Turns,
        queue: FairQueue,
        admission: Admit,
        *,
        body_limit: int,
        max_connections: int,
        keep_alive: float,
        request_timeout: float,
    ) -> None:
        """`endpoints` maps a hot path to what serves it; times are seconds, the limit is bytes."""
        self.endpoints = endpoints
        self.outbox = outbox
        self.turns = turns
        self.queue = queue
        self.admission = admission
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
        """Return the header lines of every answer; uvicorn gives a new list with each new date."""
        if headers is not self._default_headers:
            self._default_headers = headers
            self._default_lines = b"".join(b"%b: %b\r\n" % pair for pair in headers)
        return self._default_lines
