"""The context of a request: what the stations of the pipeline hand on, from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from airouter.bounds.held_bytes import Holding
from airouter.limits import FREE

if TYPE_CHECKING:
    from airouter.bounds.held_bytes import HeldBytes
    from airouter.dialects.client_request import ClientRequest
    from airouter.dialects.conversation import Usage
    from airouter.endpoint import Endpoint
    from airouter.interfaces import Carrier, Exchange, StayingConversation
    from airouter.limits import Permit
    from airouter.limits.budgets.spending import Spending
    from airouter.routing.catalog import Route
    from airouter.serving.state import ServingState
    from airouter.serving.target import Target
    from airouter.streaming.heartbeats import ClientStream
    from airouter.telemetry.record import Attempt, RequestRecord


class Race(Protocol):
    """Attempts of one request that run side by side."""

    @property
    def is_decided(self) -> bool:
        """True where one of them has won."""
        ...

    def enter(self, context: RequestContext, attempt: Attempt) -> None:
        """Take part."""
        ...

    def claim(self, context: RequestContext, usage: Usage | None = None) -> None:
        """Win, as there is something for the client.

        Raises `CancelledError` for who comes late, whose `usage` is paid for, too.
        """
        ...

    def note_lost(self, context: RequestContext, usage: Usage) -> None:
        """Take note of what an attempt told before another one won; nothing where none has."""
        ...


class RequestContext:
    """One request on its way."""

    __slots__ = (
        "carrier",
        "conversation",
        "endpoint",
        "exchange",
        "head",
        "holding",
        "joins",
        "permit",
        "race",
        "record",
        "request",
        "route",
        "serving",
        "spending",
        "stream",
        "tenant",
    )

    def __init__(self, exchange: Exchange, endpoint: Endpoint, record: RequestRecord) -> None:
        self.exchange = exchange
        self.endpoint = endpoint
        self.record = record
        self.serving: ServingState
        """The state that the request started with, whatever is reloaded meanwhile."""
        self.tenant: str
        """Whose request it is."""
        self.holding: Holding | None = None
        """The bytes that are kept for it beside its body, where there are any."""
        self.request: ClientRequest
        self.route: Route[Target]
        """The model that is asked for, with the backends that may answer."""
        self.conversation: StayingConversation | None = None
        """The conversation that stays with its backend, and there with its pod."""
        self.carrier: Carrier | None = None
        self.head: bytes
        """The header lines that every provider gets."""
        self.race: Race | None = None
        """The attempts that run side by side, where there are two."""
        self.stream: ClientStream | None = None
        """The stream that the client waits for, where it asked for one."""
        self.permit: Permit = FREE
        """What is reserved of the client's limits."""
        self.spending: Spending | None = None
        """What is reserved of the client's budgets, where it has any."""
        self.joins = False
        """True where another backend goes on with a stream that breaks in its middle."""

    def kept(self, held: HeldBytes) -> Holding:
        """Return the holding for what is kept beside the body, until the request is over."""
        if self.holding is None:
            self.holding = Holding(held, self.tenant)
        return self.holding
