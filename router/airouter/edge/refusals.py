"""Answers to what never became a request; `protocol.py` sends them before it closes a connection.

They are written here, not by the pipeline: there is no request that a pipeline could answer.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from airouter.edge.shared import HEAD_LIMIT
from airouter.telemetry.record import RequestRecord

if TYPE_CHECKING:
    from uvicorn.server import ServerState

    from airouter.edge.shared import Edge

LONGEST_PATH = 256
"""Characters of a path that are logged."""


def openai_error(message: str, code: str, type_: str = "invalid_request_error") -> bytes:
    """Return the body of an error as OpenAI's API shapes it."""
    error = {"message": message, "type": type_, "param": None, "code": code}
    return msgspec.json.encode({"error": error})


NOT_HTTP = openai_error("The request is not valid HTTP/1.1.", "invalid_http")
HEAD_TOO_LARGE = openai_error(
    f"The request line and headers are larger than {HEAD_LIMIT} bytes.", "headers_too_large"
)
BODY_TOO_LARGE = openai_error("The request body is too large.", "request_too_large")
TOO_MANY = openai_error("The router has too many connections.", "overloaded", "server_error")
TOO_MUCH = openai_error(
    "The router has too many bytes of unfinished requests.", "overloaded", "server_error"
)


class TerseError(msgspec.Struct):
    """As much of an error as is logged."""

    code: str


class TerseBody(msgspec.Struct):
    """The body of an error."""

    error: TerseError


def last_answer(
    edge: Edge, server_state: ServerState, status: int, body: bytes, url: bytes
) -> bytes:
    """Return the answer to what never became a request, which is counted and logged all the same.

    `url` is empty where nobody can tell it.
    """
    path = url.partition(b"?")[0][:LONGEST_PATH].decode("latin-1")
    now = monotonic()
    record = RequestRecord(path, "", "", now, "", status=status, first_byte=now, ended=now)
    record.error = msgspec.json.decode(body, type=TerseBody).error.code
    edge.admission.record(record)
    return closing_answer(status, edge.default_lines(server_state.default_headers), body)


def closing_answer(status: int, default_lines: bytes, body: bytes) -> bytes:
    """Return an answer that says that the connection is closed after it."""
    return b"".join(
        (
            STATUS_LINE[status],
            default_lines,
            b"content-type: application/json\r\n",
            b"retry-after: 1\r\n" if status == 503 else b"",
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body),
            body,
        )
    )
