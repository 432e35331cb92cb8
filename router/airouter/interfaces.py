"""The two interfaces a request runs between.

An `Exchange` is one request of a client and the answer it gets; `edge/` writes it straight to the
transport, `api/asgi.py` sends it over ASGI. An `Upstream` takes one request for a provider and
gives a `Reply`; `upstream/` speaks HTTP, `providers/mock.py` answers in the process. Where a client
has connections of its own to a provider, its `Carrier` takes the request there. The pipeline knows
both sides by these interfaces alone, so either can be replaced.

Header names are lower-case bytes everywhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from airouter.config.snapshot import Credential
    from airouter.failures import Failure

Headers = list[tuple[bytes, bytes]]


class Source(Protocol):
    """The feed of a stream. A client that reads slowly pauses it, so that nothing piles up here."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Carrier(Protocol):
    """A client's own connections to providers."""

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

    beats = False
    """True where a stream may begin with, and have in it, signs of life that its client skips."""
    is_part = False
    """True for what the router asks for a request that has its place: it takes no second one."""
    headers: dict[bytes, bytes]
    """The last value of each request header."""
    body: bytes
    started: bool
    """True once a byte of the answer has been sent: from then on, the status is final."""
    source: Source | None
    """The feed of the stream that runs, if any: is paused and resumed as the client reads."""

    @property
    def peer(self) -> tuple[str, int] | None:
        """The address and the port that the connection comes from; None where nobody knows."""
        return None

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
        """Finish an answer that was started: it is whole."""

    @abstractmethod
    def abort(self) -> None:
        """Cut the connection, so that the client notices that the answer is not whole."""


class Serve(Protocol):
    """The pipeline, for one endpoint."""

    def __call__(
        self, exchange: Exchange, *, refusal: Failure | None = None
    ) -> Coroutine[object, object, None]:
        """Answer a request, with `refusal` if there is one."""
        ...


class AnswerMeter(Protocol):
    """Is told how much of a whole answer has come, and may have it wait."""

    def note(self, reply: Reply, size: int, /) -> None:
        """Take note of the bytes so far, decoded."""
        ...


class Reply(Protocol):
    """A provider's answer, from its header on. It is a `Source` while it is relayed."""

    status: int
    headers: dict[bytes, bytes]
    """The last value of each header."""
    size: int
    """Bytes of the body that have come."""

    async def read(self, meter: AnswerMeter | None = None) -> bytes:
        """Return the whole body, decoded. Raises `UpstreamError`, also for a body too large."""
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
    """Return headers as lines of a request, each ended by CRLF."""
    return b"".join(b"%b: %b\r\n" % header for header in headers.items())


class BufferedReply(msgspec.Struct, frozen=True):
    """A provider's whole answer. A struct is made in a third of the time of a named tuple."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes


class Upstream(Protocol):
    """A provider as it is asked by one credential."""

    async def send(
        self,
        path: bytes,
        head: bytes,
        body: bytes,
        method: bytes = b"POST",
        *,
        streamed: bool = False,
    ) -> Reply:
        """Send `body` to `path` and wait for the header of the answer.

        `head` is a block of header lines, each ended by CRLF, without `content-length`. An answer
        that is `streamed` has to begin in time. Raises `UpstreamError`.
        """
        ...


class SocketListener(Protocol):
    """The receiver of the messages of a WebSocket."""

    def hear(self, message: bytes) -> None:
        """Take a text message."""
        ...

    def lose(self, error: BrokenReply) -> None:
        """Take note that no more will come. Not called for a socket that its owner closed."""
        ...


class Socket(Protocol):
    """An open WebSocket to a provider. It is a `Source`."""

    closed: bool

    def listen(self, listener: SocketListener) -> None:
        """Set the receiver, before the first message is sent."""
        ...

    def send(self, message: bytes) -> None:
        """Send a text message; over a closed socket it goes nowhere."""
        ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None:
        """Close, with a close frame. Safe to call twice."""
        ...


class StayingConversation(Protocol):
    """A conversation that stays where the provider's cache knows how its prompt begins."""

    @property
    def key(self) -> bytes:
        """The key that all its requests share."""
        ...

    @property
    def ttl(self) -> float:
        """Seconds for which it stays where it was answered, once it had to move."""
        ...


class Dialer(Upstream, Protocol):
    """An upstream that can be asked over a WebSocket, too."""

    async def dial(self, path: bytes, head: bytes) -> Socket:
        """Open a WebSocket at `path`; `head` is as for `send`. Raises `ConnectError`."""
        ...


class UpstreamError(Exception):
    """A provider that is out of reach or does not keep to HTTP. The text names no secret."""

    kind = "upstream_error"
    told = "The upstream failed."
    """What a client learns of it."""
    of_one_pod = False
    """Whether others of the same account answer, so that it is not the account that failed."""


class ConnectError(UpstreamError):
    """A connection that failed: refused, unresolvable, without TLS, none free in time."""

    kind = "connect_error"
    told = "The upstream could not be reached."


class NoneFree(ConnectError):
    """A pool all of whose connections are in use."""

    told = "All connections to the upstream are in use."


class Declined(ConnectError):
    """A handshake that a provider answered, but not with a WebSocket."""

    def __init__(self, answer: BufferedReply) -> None:
        super().__init__(f"the upstream opened no WebSocket: status {answer.status}")
        self.answer = answer
        self.told = f"The upstream opened no WebSocket: it answered with status {answer.status}."


class UpstreamTimeout(UpstreamError):
    """A connection, first byte, next byte or whole that took longer than the credential allows."""

    kind = "timeout"

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.told = f"The upstream took longer than {seconds:g} s."


class BrokenReply(UpstreamError):
    """An answer that was not HTTP, not what its header announced, or none of its API."""

    kind = "broken_reply"
    told = "The upstream sent an unreadable answer."


class EndedEarly(BrokenReply):
    """An answer of which the end is missing."""

    told = "The upstream's answer ended early."


class MessageTooLarge(EndedEarly):
    """A WebSocket that a provider closed for a message that is larger than it takes."""


def unfinished() -> EndedEarly:
    """Return the error of a stream without its last event."""
    return EndedEarly("the upstream's stream ended early")


class Surplus(BrokenReply):
    """More than a whole answer: the rest is not wanted, nor is its connection."""


class UpstreamRefused(UpstreamError):
    """A stream that tells an error, or lacks its end: that is its `failure`."""

    kind = "upstream_refused"

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
        if failure.code == BrokenReply.kind:  # nobody refused: it broke off
            self.kind = BrokenReply.kind
