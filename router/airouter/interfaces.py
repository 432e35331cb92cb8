"""The two interfaces a request runs between.

An `Exchange` is one request of a client and the answer it gets; `edge/` writes it straight to the
transport, `api/asgi.py` sends it over ASGI. An `Upstream` takes one request for a provider and
gives a `Reply`; `upstream/` speaks HTTP, `providers/mock.py` answers in the process. Where a client
has connections of its own to a provider, its `Carrier` takes the request there. The pipeline knows
only what stands here, so either side can be replaced.

Header names are lower-case bytes everywhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airouter.config.snapshot import Credential
    from airouter.failures import Failure

Headers = list[tuple[bytes, bytes]]


class Source(Protocol):
    """What feeds a stream. A client that reads slowly pauses it, so that nothing piles up here."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Carrier(Protocol):
    """The connections to providers that a client has for its own."""

    async def carry(
        self, credential: Credential, dialer: Dialer, path: bytes, head: bytes, body: bytes
    ) -> Reply:
        """Send `body` as `credential` over one of them. Raises `UpstreamError`."""
        ...


class Exchange(ABC):
    """One request and its answer: either `respond`, or `start`, any number of `write`, and `end`.

    When the client goes away, the task that serves the exchange is cancelled; what is written
    after that goes nowhere.
    """

    __slots__ = ("body", "headers", "source", "started")

    headers: dict[bytes, bytes]
    """The last value of each request header."""
    body: bytes
    started: bool
    """Whether a byte of the answer has been sent: from then on, the status is final."""
    source: Source | None
    """Set while a stream runs: is paused and resumed as the client reads."""

    @abstractmethod
    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """Send the whole answer. `content-length` is added."""

    @abstractmethod
    def start(self, status: int, headers: Headers) -> None:
        """Begin an answer of unknown length."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send a piece of the body. Never blocks; a slow client pauses `source`."""

    @abstractmethod
    def end(self) -> None:
        """The answer is whole."""

    @abstractmethod
    def abort(self) -> None:
        """The answer cannot be finished: cut the connection, so that the client notices."""


class Reply(Protocol):
    """A provider's answer, from its header on. It is a `Source` while it is relayed."""

    status: int
    headers: dict[bytes, bytes]
    """The last value of each header."""

    async def read(self) -> bytes:
        """The whole body, decoded. Raises `UpstreamError`, also for one that is too large."""
        ...

    async def relay(self, write: Callable[[bytes], None]) -> None:
        """Hand every piece of the body to `write` as it arrives. Raises `UpstreamError`."""
        ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None:
        """Give the reply up: before its end this cuts the connection. Safe to call twice."""
        ...


def head_lines(headers: Mapping[bytes, bytes]) -> bytes:
    """Headers as they stand in a request, each line ended by CRLF."""
    return b"".join(b"%b: %b\r\n" % each for each in headers.items())


class BufferedReply(NamedTuple):
    """A provider's whole answer."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes


class Upstream(Protocol):
    """Something that answers requests; one per credential."""

    async def send(self, path: bytes, head: bytes, body: bytes, method: bytes = b"POST") -> Reply:
        """Send `body` to `path` and wait for the header of the answer.

        `head` is a block of header lines, each ended by CRLF, without `content-length`.
        Raises `UpstreamError`.
        """
        ...


class SocketListener(Protocol):
    """Who hears what comes over a WebSocket."""

    def hear(self, message: bytes) -> None:
        """A text message."""
        ...

    def lose(self, error: BrokenReply) -> None:
        """There will be no more. Not called for what the owner closes itself."""
        ...


class Socket(Protocol):
    """An open WebSocket to a provider. It is a `Source`."""

    closed: bool

    def listen(self, listener: SocketListener) -> None:
        """Say who hears it, before the first message is sent."""
        ...

    def send(self, message: bytes) -> None:
        """Send a text message; over one that is closed it goes nowhere."""
        ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None:
        """Say so and close. Safe to call twice."""
        ...


class Dialer(Upstream, Protocol):
    """An upstream that may speak WebSocket, too."""

    async def dial(self, path: bytes, head: bytes) -> Socket:
        """Open one at `path`; `head` is as for `send`. Raises `ConnectError`."""
        ...


class UpstreamError(Exception):
    """A provider could not be reached or did not keep to HTTP. Its text names no secret."""

    kind = "upstream_error"


class ConnectError(UpstreamError):
    """No connection: refused, unresolvable, TLS failed, or none free in time."""

    kind = "connect_error"


class Declined(ConnectError):
    """A provider answered a handshake, but not with a WebSocket."""

    def __init__(self, answer: BufferedReply) -> None:
        super().__init__(f"the upstream opened no WebSocket: status {answer.status}")
        self.answer = answer


class UpstreamTimeout(UpstreamError):
    """A connection, first byte, next byte or the whole took longer than the credential allows."""

    kind = "timeout"


class BrokenReply(UpstreamError):
    """The connection ended early, or what came was not HTTP or not what its header announced."""

    kind = "broken_reply"


class UpstreamRefused(UpstreamError):
    """A provider began a stream with nothing but an error, which `failure` has."""

    kind = "upstream_refused"

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
