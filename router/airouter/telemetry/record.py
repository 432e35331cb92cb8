"""The record that a request leaves behind for telemetry.

The pipeline fills one `RequestRecord` on the hot path and hands it to `recorder.py`; metrics, spans
and the access log are made of it later, in batches. It never holds a key, nor a prompt or an
answer, unless traces shall have them.

Times are `time.monotonic()` seconds. What is made and left is a struct, which is made in half the
time of a class; of a request's record more is set later, which a class with slots does faster.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from time import monotonic
from typing import TYPE_CHECKING, Protocol

import msgspec

from airouter.costs import Cost, PriceList, cost_of
from airouter.dialects.conversation import Usage
from airouter.dialects.spending import beyond, plausible
from airouter.interfaces import UpstreamRefused
from airouter.telemetry.genai.answered import AnswerTap
from airouter.telemetry.genai.asked import Asked
from airouter.telemetry.genai.content import Content
from airouter.telemetry.http_details import HttpDetails

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.failures import Failure

LONGEST_ERROR = 64
"""Characters of an error's code: a provider's own may be long."""


class Trace(msgspec.Struct, eq=False):
    """The place of a request in its trace (W3C Trace Context).

    Ids are lower-case hex: 32 digits for a trace, 16 for a span.
    """

    trace_id: str
    span_id: str
    parent_id: str
    tracestate: str
    http: HttpDetails | None = None
    asked: Asked | None = None
    """None for a request that could not be read."""
    tap: AnswerTap | None = None
    """None where no backend was asked."""
    answered_by: str = ""
    """The provider's name of the model that answered, where a translation has read it."""
    content: Content | None = None
    """None unless traces shall have it."""


class Attempt(msgspec.Struct, eq=False):
    """A call of a backend."""

    credential: str
    upstream_name: str
    started: float
    first_byte: float = 0.0
    """Time of the answer's header; 0.0 if none came."""
    ended: float = 0.0
    status: int = 0
    """The provider's status; 0 if there was none."""
    error: str | None = None
    """`UpstreamError.kind`, or None."""
    span_id: str = ""
    """Set when the request is traced, and so are the next two."""
    model: str = ""
    """The public name of the model whose backend it is: of a fallback, another than the request's.
    """
    verbatim: bool = False
    """Whether the client gets the provider's own words."""
    continues: bool = False
    """Whether it goes on with a stream that another one broke off."""
    lost: bool = False
    """Whether another one beside it was quicker: it is no part of the answer, but is paid for."""
    price: PriceList | None = None
    """That of the backend; None where it is not known."""
    usage: Usage | None = None
    """That of its part of the answer, or of what it told before it lost; None where nothing was."""
    _cost: Cost | None = None

    @property
    def cost(self) -> Cost | None:
        """Return the cost of its part of the answer; None where that is not known.

        Computed when it is first asked for: not before the last byte of the answer.
        """
        if self._cost is None and self.usage is not None and self.price is not None:
            self._cost = cost_of(self.usage, self.price)
        return self._cost

    @property
    def outcome(self) -> str:
        """Return `error`; without one, `cancelled` if there is no status, else nothing."""
        if self.error is None and self.status == 0:
            return "cancelled"
        return self.error or ""


class BanEvent(msgspec.Struct, frozen=True):
    """A ban that the failures of a request led to."""

    time: float
    credential: str
    upstream_name: str
    """Empty for a ban of all models of the credential."""
    reason: str
    seconds: float


@dataclass(slots=True, eq=False)
class RequestRecord:
    """One request, from its last byte in to its last byte out."""

    path: str
    operation: str
    """The OpenTelemetry `gen_ai.operation.name`: chat, text_completion, embeddings."""
    request_id: str
    started: float
    method: str = "POST"
    session: bool = False
    """Whether it is a turn of a WebSocket."""
    is_part: bool = False
    """Whether it was made for another request, which counts for both."""
    trace: Trace | None = None
    """None unless the request is traced."""
    principal: str = ""
    model: str = ""
    """The model's public name; empty unless the catalog has it."""
    stream: bool = False
    status: int = 0
    """The status that the client got; 499 when the client left first."""
    error: str | None = None
    """The `code` or `type` of the error the client got, or None."""
    first_byte: float = 0.0
    """Time at which the first byte of the answer was sent; 0.0 if none was."""
    ended: float = 0.0
    waited: float = 0.0
    """Seconds until a request that was made in its place had its answer; 0.0 without any."""
    attempts: list[Attempt] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    budget_spent: bool = False
    """Whether its stream was ended, as a budget had nothing left for it."""
    continued: int = 0
    """Backends that went on with a stream which another one broke off."""
    bans: Sequence[BanEvent] = ()

    @property
    def backends_tried(self) -> int:
        """The number of backends that were asked, each once or more."""
        return len({(each.credential, each.upstream_name) for each in self.attempts})

    def note_start(self, status: int) -> None:
        """Note that the first byte of the answer went out."""
        self.status = status
        self.first_byte = monotonic()

    def note_usage(self, usage: Usage | None) -> None:
        """Note the tokens of the answer so far, as the provider of its last part counted them.

        Counts that cannot be are left out: limits, budgets and metrics would take them as they are.
        """
        usage = None if usage is None else plausible(usage)
        if usage is None:
            return
        self.input_tokens = usage.input_tokens or 0
        self.output_tokens = usage.output_tokens or 0
        self.cached_tokens = usage.cached_tokens or 0
        self.cache_write_tokens = usage.cache_write_tokens or 0
        self.reasoning_tokens = usage.reasoning_tokens or 0
        if self.continued:
            parts = [each.usage for each in self.attempts[:-1] if not each.lost]
            usage = reduce(beyond, (part for part in parts if part is not None), usage)
        self.attempts[-1].usage = usage

    def note_error(self, failure: Failure) -> None:
        """Note the error that the client gets, and have it say which request it answers."""
        failure.request_id = self.request_id
        self.error = (failure.code or failure.type)[:LONGEST_ERROR]

    def note_failure(self, failure: Failure) -> None:
        """Note that the provider gave up inside a stream, as the client has been told."""
        self.note_error(failure)
        self.attempts[-1].error = UpstreamRefused(failure).kind

    @property
    def is_untold(self) -> bool:
        """True where a provider has answered, and not told the tokens of it."""
        attempts = [each for each in self.attempts if not each.lost]
        if self.status != 200 or any(each.usage is not None for each in attempts):
            return False
        # A client that had but signs of life has a 200, too, whatever its providers said.
        return any(each.status == 200 and each.error is None for each in attempts)

    @property
    def last(self) -> Attempt | None:
        """Return the attempt that decided the answer; None when no backend was asked."""
        return self.attempts[-1] if self.attempts else None

    @property
    def cost(self) -> Cost | None:
        """Return the cost of the answer, and of what was slower beside it.

        None where that of a part is not known.
        """
        if len(self.attempts) == 1:
            return self.attempts[0].cost
        if self.is_untold:
            return None
        costs = [each.cost for each in self.attempts if each.usage is not None]
        known = [each for each in costs if each is not None]
        if not known or len(known) < len(costs):
            return None
        return Cost(sum(each.amount for each in known), sum(each.saved for each in known))

    @property
    def price_version(self) -> str:
        """Return the versions of the prices of the answer's parts, each once."""
        paid = [each.price for each in self.attempts if each.usage is not None]
        versions = [price.version for price in paid if price is not None]
        return versions[0] if len(versions) == 1 else ", ".join(dict.fromkeys(versions))

    @property
    def overhead(self) -> float:
        """Return the router's own seconds: before the first attempt and after the last.

        Those between attempts are not counted: most of them are the back-off of a retry.
        """
        attempts = self.attempts
        if not attempts:
            return self.ended - self.started - self.waited
        if len(attempts) == 1:
            only = attempts[0]
            return (only.started - self.started) + (self.ended - only.ended)
        answered = max(each.ended for each in attempts)
        return (self.asked_at - self.started) + (self.ended - answered)

    @property
    def asked_at(self) -> float:
        """Return the time of the first attempt, which is the last of the list if it won a race."""
        attempts = self.attempts
        is_one = len(attempts) == 1
        return attempts[0].started if is_one else min(each.started for each in attempts)


class Consumer(Protocol):
    """A consumer of records, in batches."""

    def consume(self, records: list[RequestRecord]) -> None: ...
