"""The opening handshake of a WebSocket (RFC 6455, 4.2), and the router's own reasons to refuse."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, cast

from airouter.api.errors import error_headers, openai_body
from airouter.api.paths import meant_by
from airouter.failures import Failure
from airouter.telemetry.record import RequestRecord

if TYPE_CHECKING:
    from websockets.http11 import Request, Response
    from websockets.server import ServerProtocol

    from airouter.admission import Admission
    from airouter.bounds.held_bytes import Holding
    from airouter.interfaces import Headers

PATH = b"/v1/responses"
OF_HANDSHAKE = frozenset(
    {
        b"connection",
        b"origin",
        b"sec-websocket-extensions",
        b"sec-websocket-key",
        b"sec-websocket-protocol",
        b"sec-websocket-version",
        b"upgrade",
    }
)
LONGEST_PATH = 256
"""Characters of a path that are logged."""
MOST_LINES, LONGEST_LINE = 32, 4_096
"""What `websockets` reads of a head, and more than any handshake has."""


def handshake_head(headers: Headers) -> bytes:
    """Return the head of a request as far as the handshake is concerned, in ASCII.

    `websockets` fails where a header that it does not even read has other characters, or is long.
    """
    lines = [b"GET %b HTTP/1.1" % PATH]
    for name, value in headers:
        if name in OF_HANDSHAKE:
            readable = value[:LONGEST_LINE].decode("latin-1").encode("ascii", "replace")
            lines.append(b"%b: %b" % (name, readable))
    return b"\r\n".join((*lines[:MOST_LINES], b"", b""))


def answer_handshake(
    wire: ServerProtocol, url: bytes, headers: Headers, admission: Admission
) -> Holding | None:
    """Answer a handshake. Return the holding of its client, or None where it was refused.

    One that is refused is recorded; of any other, each turn is.
    """
    began, error = monotonic(), None
    path = url.partition(b"?")[0].decode("latin-1")
    wire.receive_data(handshake_head(headers))
    (request,) = wire.events_received()
    response = wire.accept(cast("Request", request))
    holding = None
    try:
        if response.status_code == 101:
            if meant_by(path).path != PATH.decode():
                what = f"Invalid URL (GET {url[:256].decode('latin-1')})"
                raise Failure(404, what, code="unknown_url")
            holding = admission.admit(headers, 0)
    except Failure as failure:
        response, error = refusal(wire, failure), failure.code or failure.type
    if holding is None:
        record = RequestRecord(path[:LONGEST_PATH], "", "", began, "GET", session=True)
        record.note_start(response.status_code)
        record.error, record.ended = error, monotonic()
        admission.record(record)
    wire.send_response(response)
    return holding


def refusal(wire: ServerProtocol, failure: Failure) -> Response:
    """Return the answer to a client that may not come in."""
    response = wire.reject(failure.status, openai_body(failure).decode())
    del response.headers["Content-Type"]
    for name, value in error_headers(failure):
        response.headers[name.decode()] = value.decode()
    return response
