"""The context of a request: what the stations of the pipeline hand on, from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airouter.dialects.client_request import ClientRequest
    from airouter.endpoint import Endpoint
    from airouter.interfaces import Carrier, Exchange
    from airouter.serving import ServingState
    from airouter.telemetry.record import RequestRecord


class RequestContext:
    """One request on its way."""

    __slots__ = ("carrier", "endpoint", "exchange", "head", "joins", "record", "request", "serving")

    def __init__(self, exchange: Exchange, endpoint: Endpoint, record: RequestRecord) -> None:
        self.exchange = exchange
        self.endpoint = endpoint
        self.record = record
        self.serving: ServingState
        """The state that the request started with, whatever is reloaded meanwhile."""
        self.request: ClientRequest
        self.carrier: Carrier | None = None
        self.head: bytes
        """The header lines that every provider gets."""
        self.joins = False
        """True where another backend goes on with a stream that breaks in its middle."""
