"""The metrics by client: of the busiest, whose number is bounded, and of all others together.

Prometheus takes a number that falls for a restart, so none is ever moved from one client to
another: a client that becomes one of the busiest is counted by its name from then on, and one that
ceases to be loses its series.
"""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING

from airouter.telemetry.series import OTHER, Counter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from airouter.telemetry.record import RequestRecord

MOST = 200
"""Clients with series of their own."""
WINDOW = 600.0
"""Seconds after which it is decided anew which these are."""
MOST_TALLIED = 10_000
"""Clients whose requests are told apart in a window."""


class BusiestClients:
    """Decides which clients are counted by their names."""

    def __init__(self, most: int = MOST, window: float = WINDOW) -> None:
        self._most = most
        self._window = window
        self._ends = 0.0
        self._named: set[str] = set()
        self._tallies: dict[str, int] = {}

    def label(self, client: str) -> str:
        """Return the name that a request of a client is counted by."""
        tallies = self._tallies
        if client in tallies or len(tallies) < MOST_TALLIED:
            tallies[client] = tallies.get(client, 0) + 1
        if client not in self._named:
            if len(self._named) >= self._most:
                return OTHER
            self._named.add(client)
        return client

    def decide(self, now: float) -> set[str]:
        """Decide anew at the end of a window. Returns the clients that lose their series."""
        if now < self._ends:
            return set()
        self._ends = now + self._window
        tallies, named = self._tallies, self._named
        self._tallies = {}
        if len(tallies) <= self._most and named.issuperset(tallies):
            return set()

        def rank(client: str) -> tuple[int, bool]:
            return tallies.get(client, 0), client in named

        self._named = set(nlargest(self._most, named | tallies.keys(), key=rank))
        return named - self._named


class ByClient:
    """Counts requests and tokens by client."""

    def __init__(self, busiest: BusiestClients) -> None:
        self._busiest = busiest
        self._requests = Counter(
            "airouter_client_requests_total",
            "Requests answered, by client and by the first digit of the status.",
            ("client", "status"),
        )
        self._tokens = Counter(
            "airouter_client_tokens_total",
            "Tokens by client, as airouter_tokens_total counts them.",
            ("client", "kind"),
        )
        self.counters = (self._requests, self._tokens)

    def decide(self, now: float) -> None:
        """Let go of the clients that are none of the busiest any more."""
        for client in self._busiest.decide(now):
            for counter in self.counters:
                counter.forget(client)

    def count(self, record: RequestRecord) -> None:
        client = self._busiest.label(record.principal)
        self._requests.add((client, f"{record.status // 100}xx"))
        for kind, tokens in (("input", record.input_tokens), ("output", record.output_tokens)):
            if tokens:
                self._tokens.add((client, kind), tokens)

    def collect(self) -> Iterable[Metric]:
        for counter in self.counters:
            yield counter.collect()
