"""What is answered to a request that never became one."""

from __future__ import annotations

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from airouter.edge.shared import HEAD_LIMIT


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


def refused(status: int, default_lines: bytes, body: bytes) -> bytes:
    """A whole answer, after which the connection is closed."""
    return b"".join(
        (
            STATUS_LINE[status],
            default_lines,
            b"content-type: application/json\r\n",
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body),
            body,
        )
    )
