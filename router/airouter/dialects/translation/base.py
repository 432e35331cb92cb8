"""The interface of translations. One is built for each target of a snapshot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

import msgspec

from airouter.dialects.conversation import Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.client_request import ClientRequest
    from airouter.dialects.dialect import Write
    from airouter.failures import Failure
    from airouter.interfaces import BufferedReply


class ClientAnswer(msgspec.Struct, frozen=True):
    """A whole answer for a client."""

    body: bytes
    usage: Usage | None


class Mask(Protocol):
    """Takes what is secret out of what a provider says of an error."""

    def body(self, data: bytes, /) -> bytes:
        """Return a body, or events of a stream, without it."""
        ...

    def failure(self, failure: Failure, /) -> None:
        """Take it out of a failure."""
        ...


class StreamFilter(Protocol):
    """A station in a stream: a provider's bytes go in, a client's come out."""

    write: Write
    """Is replaced once the stream's opening is sent, so whatever changes events comes before it."""

    @property
    def failure(self) -> Failure | None:
        """The provider's error inside the stream, once it came; the client has been told."""
        ...

    def guard(self, mask: Mask, request_id: str) -> None:
        """Have errors inside the stream masked from now on, and say which request they answer."""
        ...

    def feed(self, data: bytes) -> None:
        """Take a piece of the provider's stream. Raises `UpstreamError`."""
        ...

    def finish(self) -> Usage | None:
        """End a stream whose bytes are over. Raises `UpstreamError` when it is not whole."""
        ...

    def usage_so_far(self, received: int) -> Usage:
        """Return the cost of a stream that ended early, after so many bytes of the provider's.

        The output is estimated where the provider has not told it yet; so the input may be None.
        """
        ...

    def tokens_so_far(self, received: int) -> int:
        """Return the tokens of text that came, estimated, after so many bytes of the provider's."""
        ...

    def cut_short(self) -> None:
        """End the client's stream as one that has reached its length."""
        ...

    def is_whole(self) -> bool:
        """Return True once nothing is missing of the answer: what comes after that is its end."""
        ...

    def progress(self, received: int) -> int:
        """Return a number that changes as the client gets something.

        `received` is the number of bytes of the provider's.
        """
        ...

    def break_off(self, failure: Failure) -> None:
        """Tell the client, inside the stream, why there will be no more."""
        ...


class Translation(ABC):
    """The way of a request from a client's dialect to a provider's, and back."""

    same_dialect = False
    """True where provider and client understand each other's headers."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Further headers for the client."""
    estimate: Translation | None = None
    """Answers unasked where a provider has no such API; None where nothing else can."""
    joins = False
    """True where `request.joined` has a stream become a part of it, and go on with others."""

    def passed_headers(
        self,
        request: ClientRequest,  # noqa: ARG002  # for those that say more
        passed: dict[bytes, bytes],
    ) -> dict[bytes, bytes]:
        """Return the client's headers for a provider that speaks the client's dialect."""
        return passed

    def fetches(self, request: ClientRequest) -> list[str]:  # noqa: ARG002  # for those that have some
        """Return URLs whose content `encode` needs in `request.fetched`. Raises `Failure`."""
        return []

    @abstractmethod
    def encode(self, request: ClientRequest) -> list[bytes]:
        """Return the bodies to send: one, or several whose answers belong together.

        Raises `Failure` 400 for what cannot be said in the provider's dialect.
        """

    @abstractmethod
    def answer(self, request: ClientRequest, replies: Sequence[BufferedReply]) -> ClientAnswer:
        """Return the client's answer from the provider's, one for each body.

        Raises `UpstreamError` for an answer that cannot be read, `Failure` for an error in it.
        """

    def retold(self, request: ClientRequest, reply: BufferedReply) -> ClientAnswer | None:  # noqa: ARG002  # as all
        """Return the stream that says what came as a whole; None where the client gets the whole.

        Raises what `answer` does.
        """
        return None

    @abstractmethod
    def stream_filter(self, request: ClientRequest, write: Write) -> StreamFilter:
        """Return the filter for a streamed answer."""
