"""The metrics by client: of the busiest, whose number is bounded, and of all others together.

Prometheus takes a number that falls for a restart, so none is ever moved from one client to
another: a client that becomes one of the busiest is counted by its name from then on, and one that
ceases to be loses its series.
"""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily

from airouter.telemetry.metrics.series import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.core import Metric

    from airouter.telemetry.record import RequestRecord

MOST = 200
"""Clients with series of their own."""
WINDOW = 600.0
"""Seconds after which it is decided anew which these are."""
MOST_TALLIED = 10_000
"""Further clients whose requests are told apart in a window."""


class ClientCounts:
    """The counts of one client, or of all others."""

    __slots__ = ("before", "input_tokens", "output_tokens", "statuses")

    def __init__(self) -> None:
        self.before = 0
        """Requests before this window."""
        self.statuses = [0] * 10
        """Requests by the first digit of the status."""
        self.input_tokens = 0
        self.output_tokens = 0


class ByClient:
    """Counts requests and tokens by client."""

    def __init__(self, most: int = MOST, window: float = WINDOW) -> None:
        self._most = most
        self._window = window
        self._ends = 0.0
        self._named: dict[str, ClientCounts] = {}
        self._others = ClientCounts()
        self._tallies: dict[str, int] = {}
        """Requests of others in this window."""

    def consume(self, records: list[RequestRecord]) -> None:
        for record in records:
            counts = self._named.get(record.principal) or self._counts_of(record.principal)
            counts.statuses[record.status // 100] += 1
            counts.input_tokens += record.input_tokens
            counts.output_tokens += record.output_tokens

    def decide(self, now: float) -> None:
        """Decide anew, at the end of a window, which clients are the busiest."""
        if now < self._ends:
            return
        self._ends = now + self._window
        tallies, self._tallies = self._tallies, {}
        former = self._named
        if tallies:  # else nobody wants a place
            # Of two that are as busy, the one that has a place keeps it.
            ranks = {name: (sum(each.statuses) - each.before, 1) for name, each in former.items()}
            ranks.update((name, (tally, 0)) for name, tally in tallies.items())
            busiest = nlargest(self._most, ranks, key=ranks.__getitem__)
            self._named = {name: former.get(name) or ClientCounts() for name in busiest}
        for counts in self._named.values():
            counts.before = sum(counts.statuses)

    def collect(self) -> Iterable[Metric]:
        requests = CounterMetricFamily(
            "airouter_client_requests_total",
            "Requests answered, by client and by the first digit of the status.",
            labels=["client", "status"],
        )
        tokens = CounterMetricFamily(
            "airouter_client_tokens_total",
            "Tokens by client, as airouter_tokens_total counts them.",
            labels=["client", "kind"],
        )
        for client, counts in self._shown():
            for digit, count in enumerate(counts.statuses):
                if count:
                    requests.add_metric([client, f"{digit}xx"], count)
            tokens.add_metric([client, "input"], counts.input_tokens)
            tokens.add_metric([client, "output"], counts.output_tokens)
        yield requests
        yield tokens

    def _counts_of(self, client: str) -> ClientCounts:
        """Return the counts of a client without a place: its own from now on, if there is one."""
        if len(self._named) < self._most:
            counts = self._named[client] = ClientCounts()
            return counts
        if client in self._tallies or len(self._tallies) < MOST_TALLIED:
            self._tallies[client] = self._tallies.get(client, 0) + 1
        return self._others

    def _shown(self) -> Iterator[tuple[str, ClientCounts]]:
        yield from list(self._named.items())
        if any(self._others.statuses):
            yield OTHER, self._others
