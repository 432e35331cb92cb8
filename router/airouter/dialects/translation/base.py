"""What the pipeline asks of a translation. One is built for each target of a snapshot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from airouter.dialects.client_request import ClientRequest
    from airouter.dialects.conversation import Usage
    from airouter.failures import Failure
    from airouter.interfaces import BufferedReply

Write = Callable[[bytes], None]


class ClientAnswer(NamedTuple):
    """A whole answer for a client."""

    body: bytes
    usage: Usage | None


class StreamFilter(Protocol):
    """Stands in a stream: what a provider sends goes in, what a client gets comes out."""

    write: Write

    @property
    def failure(self) -> Failure | None:
        """What the provider said inside the stream, once it did; the client has been told."""
        ...

    def feed(self, data: bytes) -> None:
        """A piece has come. Raises `UpstreamError`."""
        ...

    def finish(self) -> Usage | None:
        """The stream is whole. Raises `UpstreamError` when it cannot be."""
        ...

    def usage_so_far(self, received: int) -> Usage:
        """Return the cost of a stream that ended early, after so many bytes of the provider's.

        The output is estimated where the provider has not told it yet; so the input may be None.
        """
        ...

    def break_off(self, failure: Failure) -> None:
        """There will be no more: tell the client why, inside the stream."""
        ...


class Translation(ABC):
    """From a client's dialect to a provider's and back."""

    same_dialect = False
    """Whether the provider's headers mean something to the client, and the client's to it."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Further headers for the client."""

    def fetches(self, request: ClientRequest) -> list[str]:  # noqa: ARG002  # for those that have some
        """URLs whose content `encode` needs in `request.fetched`. Raises `Failure`."""
        return []

    @abstractmethod
    def encode(self, request: ClientRequest) -> list[bytes]:
        """The bodies to send: one, or several whose answers belong together.

        Raises `Failure` 400 for what cannot be said in the provider's dialect.
        """

    @abstractmethod
    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:
        """The client's answer from the provider's, one for each body.

        Raises `UpstreamError` for what cannot be read, `Failure` for an error in it.
        """

    @abstractmethod
    def stream_filter(self, request: ClientRequest, write: Write) -> StreamFilter:
        """For a streamed answer."""
