"""One request on its way through the pipeline: what it is called, what it carries, what it leaves.

`pipeline.py` spells the order of its stations; here is what they hand on.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, Protocol

from airouter import request_ids
from airouter.interfaces import UpstreamRefused, head_lines

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from airouter.auth import Principal
    from airouter.config.snapshot import Model
    from airouter.dialects.client_request import ClientRequest
    from airouter.dialects.conversation import Usage
    from airouter.failures import Failure
    from airouter.interfaces import Carrier, Exchange, Headers, Reply
    from airouter.providers.binding import Api
    from airouter.serving import ServingState, Target
    from airouter.telemetry.record import RequestRecord

CONTENT_TYPE = b"content-type"
EVENT_STREAM = b"text/event-stream"


@dataclass(frozen=True)
class Endpoint:
    """An endpoint that the pipeline serves: what it is called, and how it says that it failed."""

    path: str
    api: Api
    operation: str
    """`Record.operation`."""
    dialect: str
    """Whose API it is."""
    id_header: bytes
    """How the client's SDK calls the id of a request; `x-request-id` is always there."""
    forwarded: tuple[bytes, ...]
    returned: tuple[bytes, ...]
    """Headers that go through where both sides speak the same dialect, to and from a provider."""
    error_status: Callable[[Failure], int]
    error_headers: Callable[[Failure], Headers]
    error_body: Callable[[Failure], bytes]
    stateful: bool = False
    """Whether requests may go on from earlier ones, and so need a `Prepare`."""


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


class Prepare(Protocol):
    """Completes requests of an endpoint that may go on from earlier ones."""

    async def __call__(
        self,
        exchange: Exchange,
        principal: Principal,
        request: ClientRequest,
        model: Model,
        *,
        api: Api,
        native: bool,
    ) -> Prepared | None:
        """Complete `request`; None when it is answered already.

        `native` says that every backend of the model keeps such state itself. Raises `Failure`.
        """
        ...


class RequestContext:
    """One request on its way."""

    __slots__ = ("carrier", "endpoint", "exchange", "head", "record", "request", "serving")

    def __init__(self, exchange: Exchange, endpoint: Endpoint, record: RequestRecord) -> None:
        self.exchange = exchange
        self.endpoint = endpoint
        self.record = record
        self.serving: ServingState
        """The one that the request started with, whatever is reloaded meanwhile."""
        self.request: ClientRequest
        self.carrier: Carrier | None = None
        self.head: bytes
        """The header lines that every provider gets."""


@dataclass(frozen=True)
class Failed:
    """An attempt that gave the client nothing yet."""

    failure: Failure
    again: bool
    """Whether another attempt may mend it, and below, whether that may be at the same backend."""
    same: bool = True


def forwarded(call: RequestContext, target: Target) -> bytes:
    """The header lines of a target, the client's own before them where they mean something."""
    if not target.translation.same_dialect:
        return target.head
    given = call.exchange.headers
    own = {name: given[name] for name in call.endpoint.forwarded if name in given}
    return head_lines(target.headers | own) if own else target.head


def returned(
    call: RequestContext, target: Target, given: Mapping[bytes, bytes], kind: bytes
) -> Headers:
    """The headers of an answer; of the provider's own where they mean something there."""
    headers: Headers = []
    if target.translation.same_dialect:
        kind = given.get(CONTENT_TYPE, kind)
        headers = [(name, given[name]) for name in call.endpoint.returned if name in given]
    return [(CONTENT_TYPE, kind), *headers, *ids_of(call)]


def ids_of(call: RequestContext) -> Headers:
    """The id of the request, in every name that the client may look for."""
    name = call.record.request_id.encode("ascii")
    headers = [(request_ids.HEADER, name)]
    if call.endpoint.id_header != request_ids.HEADER:
        headers.append((call.endpoint.id_header, name))
    return headers


def streams(call: RequestContext, target: Target, reply: Reply) -> bool:
    """Whether an answer comes as a stream: what passes through says so itself."""
    if target.translation.same_dialect:
        return reply.headers.get(CONTENT_TYPE, b"").startswith(EVENT_STREAM)
    return call.request.stream


def note_start(record: RequestRecord, status: int) -> None:
    """The first byte of an answer went out."""
    record.status = status
    record.first_byte = monotonic()


def note_usage(record: RequestRecord, usage: Usage | None) -> None:
    """What the provider counted."""
    if usage is not None:
        record.input_tokens = usage.input_tokens or 0
        record.output_tokens = usage.output_tokens or 0
        record.cached_tokens = usage.cached_tokens or 0
        record.reasoning_tokens = usage.reasoning_tokens or 0


def note_failure(record: RequestRecord, failure: Failure) -> None:
    """The provider gave up inside a stream, and the client knows."""
    record.error = (failure.code or failure.type)[:64]
    record.attempts[-1].error = UpstreamRefused.kind
