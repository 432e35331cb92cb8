"""Requests that offer another protocol: a WebSocket is taken up, whatever else is declined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httptools

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    from airouter.interfaces import Headers

FRAMED = frozenset({b"transfer-encoding", b"content-length"})


def is_handshake(method: bytes, headers: Headers) -> bool:
    """Return whether a request may open a WebSocket (RFC 6455, 4.1): a GET without a body."""
    return method == b"GET" and FRAMED.isdisjoint(name for name, _ in headers)


def head_without_offer(parser: httptools.HttpRequestParser, url: bytes, headers: Headers) -> bytes:
    """Return the head of a request again without its offer, for which llhttp left the body out.

    The HTTP client of Java offers HTTP/2 with every first request.
    """
    version = parser.get_http_version().encode()
    lines = [b"%b %b HTTP/%b" % (parser.get_method(), url, version)]
    lines += (b"%b: %b" % each for each in headers if each[0] != b"upgrade")
    return b"\r\n".join((*lines, b"", b""))


def new_parser(protocol: object) -> httptools.HttpRequestParser:
    """Return a parser as uvicorn has it: more may come after a request that is the last."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def open_websocket(connection: HttpToolsProtocol, frames: bytes) -> None:
    """Have a WebSocket take over a connection whose last request is its handshake."""
    make: Any = connection.ws_protocol_class
    websocket = make(
        config=connection.config,
        server_state=connection.server_state,
        app_state=connection.app_state,
    )
    connection.transport.set_protocol(websocket)
    websocket.connection_made(connection.transport)
    websocket.open(connection.url, connection.headers, frames)
