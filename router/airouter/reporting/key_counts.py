"""Counts of what each key was used for, of the records of requests: off the hot path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.limits.budgets.budgets import in_nanodollars

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airouter.telemetry.record import RequestRecord


class KeyCount:
    """Counts of one key."""

    __slots__ = ("last", "nanodollars", "requests", "tokens")

    def __init__(self, last: float) -> None:
        self.last = last
        """When the key was last shown, as records have times."""
        self.requests = 0
        self.tokens = 0
        self.nanodollars = 0

    def add(self, record: RequestRecord) -> None:
        """Count a request of a model, unless it was not let through, or nobody had an answer."""
        self.last = max(self.last, record.ended)
        # As budgets pay for it: each attempt whose price is known, whatever became of the request.
        costs = [each.cost for each in record.attempts if each.usage is not None]
        self.nanodollars += in_nanodollars(sum(each.amount for each in costs if each is not None))
        # Not of a model that others are asked for in its place, as in the background.
        if record.model and record.attempts and record.status != 429 and record.status < 500:
            self.requests += not record.is_part
            self.tokens += record.input_tokens + record.output_tokens


def count_records(counts: dict[str, KeyCount], records: Iterable[RequestRecord]) -> None:
    """Count requests by the names of their principals."""
    for record in records:
        name = record.principal
        count = counts.get(name)
        if count is None:
            count = counts[name] = KeyCount(record.ended)
        count.add(record)
