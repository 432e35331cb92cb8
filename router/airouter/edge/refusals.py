"""Answers to what never became a request; `protocol.py` sends them before it closes a connection.

They are written here, not by the pipeline: there is no request that a pipeline could answer.
"""

from __future__ import annotations

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from airouter.edge.shared import HEAD_LIMIT


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
