"""An exchange whose client is the router itself."""

from __future__ import annotations

import msgspec

from airouter.failures import Failure
from airouter.interfaces import Exchange, Headers


class ErrorFields(msgspec.Struct):
    """An error as OpenAI writes it."""

    message: str = "The request failed."
    type: str = "server_error"
    code: str | None = None
    param: str | None = None


class ErrorBody(msgspec.Struct):
    """The body of an error."""

    error: ErrorFields


class BufferExchange(Exchange):
    """Keeps a whole answer."""

    __slots__ = ("answer", "status")

    def __init__(self, headers: dict[bytes, bytes], body: bytes) -> None:
        self.headers = headers
        self.body = body
        self.started = False
        self.source = None
        self.status = 0
        self.answer = b""

    def respond(self, status: int, headers: Headers, body: bytes) -> None:  # noqa: ARG002
        self.started = True
        self.status, self.answer = status, body

    def start(self, status: int, headers: Headers) -> None:  # noqa: ARG002
        self.started = True
        self.status = status

    def write(self, data: bytes) -> None:
        self.answer += data

    def end(self) -> None:
        pass

    def abort(self) -> None:
        self.status = 502

    def failure(self) -> Failure:
        """Return the reason why there is no answer."""
        try:
            said = msgspec.json.decode(self.answer, type=ErrorBody).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = ErrorFields()
        return Failure(
            max(self.status, 400), said.message, type=said.type, code=said.code, param=said.param
        )


class PartExchange(BufferExchange):
    """Keeps what is asked for a request that has its place among those of its client."""

    __slots__ = ()

    is_part = True
