"""The metrics of requests and their attempts.

Most requests are like many before them, and to find a series costs more than to count in it: so the
series of requests that are alike are found once, and kept together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.telemetry.metrics.series import Counter, Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from airouter.telemetry.metrics.series import Count, Distribution
    from airouter.telemetry.record import RequestRecord

DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
FIRST_BYTES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 10, 30, 60)
OVERHEADS = (
    *(0.000_05, 0.000_1, 0.000_15, 0.000_2, 0.000_3, 0.000_5, 0.000_75),
    *(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1),
)
MOST_KEPT = 1_000
"""Sets of series that are kept; with one more, all are found anew."""

Likeness = tuple[str, str, int, bool, str]
"""Model, credential, status, whether it is a stream, and operation."""
AttemptLikeness = tuple[str, int, str | None]
"""Credential, status and error."""


class RequestMetrics:
    """Counts requests, with the times and tokens of their answers."""

    def __init__(self) -> None:
        self.requests = Counter(
            "airouter_requests_total",
            "Requests answered, by the client's status; 499 when the client left before the end.",
            ("model", "credential", "status", "stream", "operation"),
        )
        self.tokens = Counter(
            "airouter_tokens_total",
            "Tokens as the provider counted them; cached and cache_write are part of input, "
            "reasoning of output.",
            ("model", "credential", "kind"),
        )
        self.retries = Counter(
            "airouter_retries_total",
            "Attempts after the first, at any backend or fallback.",
            ("model",),
        )
        self.durations = Histogram(
            "airouter_request_duration_seconds",
            "From the last byte of a request to the last byte of its answer.",
            ("model", "stream"),
            DURATIONS,
        )
        self.first_bytes = Histogram(
            "airouter_time_to_first_byte_seconds",
            "From the last byte of a request to the first byte of an answer that is no error.",
            ("model", "stream"),
            FIRST_BYTES,
        )
        self.overheads = Histogram(
            "airouter_overhead_seconds",
            "Time that the router itself took: all but the attempts and their back-off.",
            ("stream",),
            OVERHEADS,
        )
        self._alike: dict[Likeness, RequestSeries] = {}

    def consume(self, records: list[RequestRecord]) -> None:
        for record in records:
            attempts = record.attempts
            credential = attempts[-1].credential if attempts else ""
            alike = record.model, credential, record.status, record.stream, record.operation
            series = self._alike.get(alike) or self._find(alike)
            series.count(record)

    def _find(self, alike: Likeness) -> RequestSeries:
        if len(self._alike) >= MOST_KEPT:
            self._alike.clear()
        series = self._alike[alike] = RequestSeries(self, alike)
        return series

    def collect(self) -> Iterable[Metric]:
        for counter in (self.requests, self.tokens, self.retries):
            yield counter.collect()
        for histogram in (self.durations, self.first_bytes, self.overheads):
            yield histogram.collect()


class RequestSeries:
    """The series of requests that are alike."""

    __slots__ = (
        "_cache_write",
        "_cached",
        "_durations",
        "_first_bytes",
        "_input",
        "_of_a_model",
        "_output",
        "_overheads",
        "_reasoning",
        "_requests",
        "_retries",
    )

    def __init__(self, metrics: RequestMetrics, alike: Likeness) -> None:
        model, credential, _, stream, operation = alike
        self._of_a_model = bool(operation)
        self._requests = metrics.requests.series(*alike)
        self._retries = metrics.retries.series(model)
        self._durations = metrics.durations.series(model, stream)
        self._first_bytes = metrics.first_bytes.series(model, stream)
        self._overheads = metrics.overheads.series(stream)
        tokens = metrics.tokens.series
        self._input = tokens(model, credential, "input")
        self._output = tokens(model, credential, "output")
        self._cached = tokens(model, credential, "cached")
        self._cache_write = tokens(model, credential, "cache_write")
        self._reasoning = tokens(model, credential, "reasoning")

    def count(self, record: RequestRecord) -> None:
        self._requests.value += 1
        if not self._of_a_model:  # its time says nothing of those
            return
        started = record.started
        self._durations.observe(record.ended - started)
        self._overheads.observe(record.overhead)
        if record.first_byte and record.status < 400:
            self._first_bytes.observe(record.first_byte - started)
        self._input.value += record.input_tokens
        self._output.value += record.output_tokens
        if len(record.attempts) > 1:
            self._retries.value += len(record.attempts) - 1
        # To add nothing costs more than to ask first.
        if record.cached_tokens:
            self._cached.value += record.cached_tokens
        if record.cache_write_tokens:
            self._cache_write.value += record.cache_write_tokens
        if record.reasoning_tokens:
            self._reasoning.value += record.reasoning_tokens


class AttemptMetrics:
    """Counts the calls of providers."""

    def __init__(self) -> None:
        self._attempts = Counter(
            "airouter_upstream_attempts_total",
            "Calls of a provider, by its status (empty if there was none) and the error.",
            ("credential", "status", "error"),
        )
        self._first_bytes = Histogram(
            "airouter_upstream_first_byte_seconds",
            "From the start of an attempt to the header of the provider's answer.",
            ("credential",),
            FIRST_BYTES,
        )

        self._alike: dict[AttemptLikeness, tuple[Count, Distribution]] = {}

    def consume(self, records: list[RequestRecord]) -> None:
        for record in records:
            for attempt in record.attempts:
                alike = attempt.credential, attempt.status, attempt.error
                attempts, waits = self._alike.get(alike) or self._find(alike, attempt.outcome)
                attempts.value += 1
                if attempt.first_byte:
                    waits.observe(attempt.first_byte - attempt.started)

    def _find(self, alike: AttemptLikeness, outcome: str) -> tuple[Count, Distribution]:
        if len(self._alike) >= MOST_KEPT:
            self._alike.clear()
        credential, status, _ = alike
        series = self._attempts.series(credential, status, outcome)
        found = self._alike[alike] = series, self._first_bytes.series(credential)
        return found

    def collect(self) -> Iterable[Metric]:
        yield self._attempts.collect()
        yield self._first_bytes.collect()
