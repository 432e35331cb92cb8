"""The tables of the page: models, clients, and the last requests."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from airouter.bookkeeping.window import step_of
from airouter.condition import BackendStates
from airouter.costs import PICODOLLARS
from airouter.web import wording
from airouter.web.cards import moment_at
from airouter.web.rows import ClientRow, ModelRow, RequestRow, TierMark, bars_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airouter.config.snapshot import ClientKey, Model
    from airouter.telemetry.record import RequestRecord
    from airouter.web.view import Viewed

MOST_CLIENTS = 200
"""Rows: those nearest to a limit."""
HOUR = 3600.0


def model_rows(router: Viewed, models: Sequence[Model]) -> Iterator[ModelRow]:
    """Yield a row for each model."""
    states = BackendStates(router, monotonic())
    recent = router.history.recent()
    for place, model in enumerate(models):
        first = states.first_tier(model)
        tally = recent.by_model.get(model.name)
        spent = 0 if tally is None else tally.cost
        requests = 0 if tally is None else tally.requests
        errors = 0 if tally is None else tally.errors
        wait = None if tally is None else tally.wait(0.95)
        rate, cost = requests / recent.seconds, spent / PICODOLLARS / recent.seconds * HOUR
        yield ModelRow(
            id=f"model-{place}",
            name=model.name,
            level="bad" if first is None else "warn" if first else "ok",
            tiers=tuple(tier_marks(model, first)),
            fallbacks=", ".join(model.fallbacks),
            rate=round(rate, 2),
            errors=wording.percent(errors, requests),
            error_share=errors / requests if requests else -1.0,
            p95=wording.span_of(wait),
            wait=-1.0 if wait is None else round(wait, 3),
            cost=round(cost, 4),
            rate_text=wording.amount(rate) if requests else wording.DASH,
            cost_text=wording.dollars(cost) if spent else wording.DASH,
        )


def tier_marks(model: Model, first: int | None) -> Iterator[TierMark]:
    """Yield the tiers of a model; `first` is the place of the best that can answer."""
    for place, tier in enumerate(model.tiers):
        names = ", ".join(dict.fromkeys(backend.credential for backend in tier))
        if first is None or place < first:
            yield TierMark(names, "exhausted")
        else:
            yield TierMark(names, "serving" if place == first else "standby")


def client_rows(router: Viewed, clients: Sequence[ClientKey]) -> list[ClientRow]:
    """Return a row for each client that has limits, those nearest to one first."""
    step = step_of(monotonic())
    rows: list[ClientRow] = []
    for place, client in enumerate(clients):
        bars = bars_of(router.limits_of("client", client.name), step)
        if bars:
            fullest = max(each.share for each in bars)
            rows.append(ClientRow(f"client-{place}", client.name, bars, fullest))
    if len(rows) > MOST_CLIENTS:
        rows = sorted(rows, key=lambda row: -row.fullest)[:MOST_CLIENTS]
    return rows


def request_row(record: RequestRecord, id_: str, epoch: float) -> RequestRow:
    """Return the row of a request; `epoch` is the Unix time at the monotonic clock's zero."""
    last, cost = record.last, record.cost
    has_tokens = record.input_tokens or record.output_tokens
    waited = record.first_byte - record.started if record.first_byte else None
    return RequestRow(
        id=id_,
        at=moment_at(epoch + record.ended),
        model=record.model,
        answered_by="" if last is None or record.status >= 400 else last.credential,
        client=record.principal,
        attempts=len(record.attempts),
        status=record.status,
        error=record.error or "",
        first_token=wording.span_of(waited) if record.status < 400 else wording.DASH,
        total=wording.span_of(record.ended - record.started),
        tokens=f"{record.input_tokens:,} → {record.output_tokens:,}" if has_tokens else "",
        cost="" if cost is None else f"{cost.amount / PICODOLLARS:.4f}",
    )
