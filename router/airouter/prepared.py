"""A request that may go on from an earlier one, made complete before a backend is chosen.

`responses/` does it for the pipeline, by the protocol `Prepare`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airouter.auth import Principal
    from airouter.bounds.held_bytes import Holding
    from airouter.config.snapshot import Model
    from airouter.dialects.client_request import ClientRequest
    from airouter.interfaces import Carrier, Exchange
    from airouter.providers.binding import Api


class Prepared(NamedTuple):
    """A request that is complete with all it goes on from."""

    exchange: Exchange
    """Takes the answer."""
    pin: str | None = None
    """The one credential that may answer, where only it can."""
    preferred: str | None = None
    """The credential that answers if it can: it knows what came before."""
    carrier: Carrier | None = None
    """The client's own connections to providers, where it has some."""
    settle: Callable[[], Awaitable[None]] | None = None
    """Called once the exchange has its answer."""
    has_state: bool = False
    """True where it goes on from something that a server keeps, be it this router or a provider."""


class Prepare(Protocol):
    """Completes requests of an endpoint that may go on from earlier ones."""

    async def __call__(
        self,
        exchange: Exchange,
        principal: Principal,
        request: ClientRequest,
        model: Model,
        recalled: Holding,
        *,
        api: Api,
        native: bool,
        foreign: bool = False,
    ) -> Prepared | None:
        """Complete `request`; None when it is answered already.

        `recalled` holds what it goes on from, until the request is over. `native` says that every
        backend of the model keeps such state itself, `foreign` that a fallback of it may
        answer that does not. Raises `Failure`.
        """
        ...
