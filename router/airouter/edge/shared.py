"""The endpoints, bounds and header lines that all connections of clients share."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from airouter.interfaces import Exchange

if TYPE_CHECKING:
    from airouter.outbox import Outbox

Serve = Callable[[Exchange], Coroutine[Any, Any, None]]

PLAIN_BODY_LIMIT = 1_048_576
"""Bytes; a larger body is received by the ASGI application, with backpressure."""
HEAD_LIMIT = 65_536
"""Bytes of a request line and its headers."""


class Edge:
    """The edge of a process, as its connections see it. `app.py` builds the one."""

    def __init__(
        self,
        endpoints: dict[bytes, Serve],
        outbox: Outbox,
        *,
        body_limit: int,
        max_connections: int,
        keep_alive: float,
        request_timeout: float,
    ) -> None:
        """`endpoints` maps a hot path to what serves it; times are seconds, the limit is bytes."""
        self.endpoints = endpoints
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
        """Return the header lines of every answer; uvicorn gives a new list with each new date."""
        if headers is not self._default_headers:
            self._default_headers = headers
            self._default_lines = b"".join(b"%b: %b\r\n" % pair for pair in headers)
        return self._default_lines
