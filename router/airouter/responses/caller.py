"""The abilities of those who send requests of the Responses API.

`Caller` is the one that can do nothing beside its request. A session (`sessions/frames.py`) and a
job in the background (`background/job.py`) are callers that remember, keep or connect themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airouter.interfaces import Carrier, Exchange
    from airouter.responses.pinning import Pin
    from airouter.responses.records import Archive, History, StoredResponse

    ServeCaller = Callable[[Exchange, "Caller"], Awaitable[None]]
    """The pipeline, for requests of callers that can do more than others."""


class Caller:
    """A client that sends one request over HTTP."""

    __slots__ = ()

    in_session = False
    """True for a client that remembers its newest responses itself."""
    in_background = False
    """True where nobody waits for the response."""

    @property
    def response_id(self) -> str | None:
        """The id that the response must have."""
        return None

    @property
    def warms_up(self) -> bool:
        """True for a client that wants no output, only a response to go on from."""
        return False

    @property
    def preferred(self) -> str | None:
        """The credential that answers if it can: it knows what came before."""
        return None

    @property
    def carrier(self) -> Carrier | None:
        """Connections to providers of the caller's own."""
        return None

    def recall(self, id_: str) -> History | None:  # noqa: ARG002
        """Return the history after a response, where the caller remembers it."""
        return None

    def remember(self, id_: str, history: History) -> None:
        """Take note of the history that the next request may go on from."""

    def continue_at(self, pin: Pin, items: bytes) -> None:
        """Take note that the request adds `items` to a response that its provider keeps."""

    async def keep(self, record: StoredResponse, archive: Archive) -> None:
        """Store a whole response. Raises `StoreError`."""
        await archive.keep(record)


PLAIN_CALLER = Caller()
