"""The tables of the page: models, clients, and the last requests."""

from __future__ import annotations

from heapq import nlargest
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from airouter.bookkeeping.money import NANODOLLARS
from airouter.bookkeeping.window import step_of
from airouter.condition import BackendStates
from airouter.costs import PICODOLLARS
from airouter.eventloop.parts import in_parts
from airouter.limits.budgets.budget_state import states_of
from airouter.web import wording
from airouter.web.board import PagePart
from airouter.web.cards import moment_at
from airouter.web.rows import (
    ClientRow,
    LimitUse,
    ModelRow,
    RequestRow,
    TierMark,
    bars_of,
    unused,
    uses_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airouter.config.snapshot import ClientKey, Model
    from airouter.limits.budgets.budget_scope import BudgetScope
    from airouter.telemetry.history import Recent, RequestTally, TrafficHistory
    from airouter.telemetry.record import RequestRecord
    from airouter.web.view import Viewed

MOST_CLIENTS = 200
"""Rows: those nearest to a limit or the end of a budget."""
AT_ONCE = 256
"""Clients that are looked at in one turn of the event loop: some milliseconds."""
HOUR = 3600.0


class ModelState(NamedTuple):
    """The state of a model now."""

    first: int | None
    """The place of the best tier that can answer."""
    out: tuple[tuple[str, ...], ...]
    """For each tier, the credentials that cannot."""


class ModelFacts(NamedTuple):
    """The facts that the row of a model is made of."""

    id: str
    model: Model
    state: ModelState
    tally: RequestTally | None
    rate: float
    """Requests a second."""
    cost: float
    """Dollars an hour."""


class ClientFacts(NamedTuple):
    """The facts that the card of a client is made of."""

    id: str
    name: str
    uses: tuple[LimitUse, ...]
    spent: tuple[LimitUse, ...]
    """Of budgets, in billionths of a dollar."""

    @property
    def fullest(self) -> int:
        """Percent of the limit or budget that it is nearest to."""
        return max(use.share for use in (*self.uses, *self.spent))


class RequestFacts(NamedTuple):
    """The facts that the row of a request is made of."""

    id: str
    record: RequestRecord
    epoch: float
    """The Unix time at the monotonic clock's zero."""


class ModelReader:
    """Reads what the rows of models are made of, all at one moment."""

    def __init__(self, router: Viewed, recent: Recent) -> None:
        self._states = BackendStates(router, monotonic())
        self._recent = recent

    def state(self, model: Model) -> ModelState:
        """Return what the tiers of a model do."""
        states = self._states
        return ModelState(states.first_tier(model), tuple(map(states.out_in, model.tiers)))

    def part(self, place: int, model: Model, state: ModelState) -> PagePart:
        """Return the row of the model at a place of the configuration."""
        tally, seconds = self._recent.by_model.get(model.name), self._recent.seconds
        rate = cost = 0.0
        if tally is not None:  # to the digits that are shown, so that most stay the same
            rate = round(tally.requests / seconds, 2)
            cost = round(tally.cost / PICODOLLARS / seconds * HOUR, 4)
        facts = ModelFacts(f"model-{place}", model, state, tally, rate, cost)
        return PagePart(facts.id, "model", facts, model_row)


def model_level(state: ModelState) -> str:
    """Return how bad a state is: ok, warn or bad."""
    return "bad" if state.first is None else "warn" if state.first else "ok"


def model_row(facts: ModelFacts) -> ModelRow:
    """Return the row of a model."""
    model, state, tally = facts.model, facts.state, facts.tally
    requests = 0 if tally is None else tally.requests
    errors = 0 if tally is None else tally.errors
    wait = None if tally is None else tally.wait(0.95)
    return ModelRow(
        id=facts.id,
        name=model.name,
        level=model_level(state),
        tiers=tuple(tier_marks(model, state)),
        fallbacks=", ".join(model.fallbacks),
        rate=facts.rate,
        errors=wording.percent(errors, requests),
        error_share=errors / requests if requests else -1.0,
        p95=wording.span_of(wait),
        wait=-1.0 if wait is None else round(wait, 3),
        cost=facts.cost,
        rate_text=wording.amount(facts.rate) if requests else wording.DASH,
        cost_text=wording.dollars(facts.cost) if facts.cost else wording.DASH,
    )


def tier_marks(model: Model, state: ModelState) -> Iterator[TierMark]:
    """Yield the tiers of a model: one that could not take over is no standby."""
    for place, (tier, out) in enumerate(zip(model.tiers, state.out, strict=True)):
        credentials = dict.fromkeys(backend.credential for backend in tier)
        names = tuple((name, name not in out) for name in credentials)
        if not any(can_answer for _, can_answer in names):
            yield TierMark(names, "exhausted")
        else:
            yield TierMark(names, "serving" if place == state.first else "standby")


async def client_facts(router: Viewed, clients: Sequence[ClientKey]) -> list[ClientFacts]:
    """Return what the cards of clients with limits or budgets are made of, `MOST_CLIENTS` at most.

    Some are looked at at a time, as there may be thousands.
    """
    spent = await spent_budgets(router.budgets)
    found: list[ClientFacts] = []
    async for some in in_parts(list(enumerate(clients)), AT_ONCE):
        step = step_of(monotonic())
        for place, client in some:
            name = client.name
            uses = uses_of(router.limits_of("client", name), step) or unused(client.limits)
            if uses or name in spent:
                found.append(ClientFacts(f"client-{place}", name, uses, spent.get(name, ())))
        if len(found) > MOST_CLIENTS:
            found = nlargest(MOST_CLIENTS, found, key=lambda facts: facts.fullest)
    return found


async def spent_budgets(scopes: Sequence[BudgetScope]) -> Mapping[str, tuple[LimitUse, ...]]:
    """Return what clients have spent of their own budgets, as far as this process knows."""
    spent: dict[str, tuple[LimitUse, ...]] = {}
    for state in await states_of([each for each in scopes if each.kind == "client"]):
        name, period = state.scope.name, state.scope.budget.period.lower()
        use = LimitUse(period, state.used + state.reserved, state.limit)
        spent[name] = (*spent.get(name, ()), use)
    return spent


def client_row(facts: ClientFacts) -> ClientRow:
    """Return the card of a client."""
    bars = bars_of(facts.uses) + bars_of(facts.spent, nanodollars_text)
    return ClientRow(facts.id, facts.name, bars, facts.fullest)


def nanodollars_text(amount: float) -> str:
    """Return billionths of a dollar as an amount of money."""
    return wording.dollars(amount / NANODOLLARS)


def request_facts(history: TrafficHistory, epoch: float) -> Iterator[RequestFacts]:
    """Yield what the rows of the last requests are made of, the newest first."""
    for age, record in enumerate(reversed(history.requests)):
        yield RequestFacts(f"request-{history.count - age}", record, epoch)


def request_row(facts: RequestFacts) -> RequestRow:
    """Return the row of a request."""
    record, epoch = facts.record, facts.epoch
    last = record.last
    dollars = -1.0 if record.cost is None else record.cost.amount / PICODOLLARS
    count = record.input_tokens + record.output_tokens
    has_begun = record.status < 400 and bool(record.first_byte)
    waited = record.first_byte - record.started if has_begun else None
    seconds = record.ended - record.started
    return RequestRow(
        id=facts.id,
        at=moment_at(epoch + record.ended),
        model=record.model,
        answered_by="" if last is None or record.status >= 400 else last.credential,
        client=record.principal,
        attempts=len(record.attempts),
        status=record.status,
        error=record.error or "",
        first_token=wording.span_of(waited),
        first_token_seconds=-1.0 if waited is None else round(waited, 3),
        total=wording.span_of(seconds),
        seconds=round(seconds, 3),
        tokens=f"{record.input_tokens:,} → {record.output_tokens:,}" if count else "",
        token_count=count,
        cost="" if record.cost is None else wording.cost_text(dollars),
        dollars=dollars,
    )
