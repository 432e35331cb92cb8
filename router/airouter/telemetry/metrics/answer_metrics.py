"""The metrics of answers: how fast their tokens came, and what helped to make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.telemetry.metrics.series import Counter, Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from airouter.telemetry.record import RequestRecord

TOKEN_TIMES = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.25, 0.5, 1)


class AnswerMetrics:
    """Counts answers from caches, streams that others went on with, and the time of tokens."""

    def __init__(self) -> None:
        self._cache_hits = Counter(
            "airouter_cache_hits_total",
            "Answers of which a part of the input came from the provider's cache.",
            ("model", "credential"),
        )
        self._continued = Counter(
            "airouter_continued_streams_total",
            "Backends that went on with a stream which another one broke off.",
            ("model",),
        )
        self._token_times = Histogram(
            "airouter_time_per_output_token_seconds",
            "Time of a stream's output tokens after the first, each.",
            ("model",),
            TOKEN_TIMES,
        )

    def consume(self, records: list[RequestRecord]) -> None:
        for record in records:
            if record.cached_tokens and record.attempts:
                self._cache_hits.series(record.model, record.attempts[-1].credential).value += 1
            if record.continued:
                self._continued.series(record.model).value += record.continued
            was_sent = record.stream and record.first_byte and record.error is None
            if was_sent and record.output_tokens > 1:
                taken = record.ended - record.first_byte
                self._token_times.series(record.model).observe(taken / (record.output_tokens - 1))

    def collect(self) -> Iterable[Metric]:
        yield self._cache_hits.collect()
        yield self._continued.collect()
        yield self._token_times.collect()
