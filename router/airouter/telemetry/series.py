"""Counters and histograms that cost a dictionary look-up.

prometheus_client locks and looks labels up per child; everything here runs on the event loop's
thread, so plain numbers in plain dictionaries do. Only a scrape turns them into that library's
families, which it knows how to write. `metrics.py` declares the families.

Labels are bounded: past its limit, a family counts every new combination under `other`.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.utils import floatToGoString

if TYPE_CHECKING:
    from collections.abc import Sequence

LabelValue = str | int
"""Turned into text only by a scrape; True is `true`, and 0, as in "no status", is empty."""
LabelValues = tuple[LabelValue, ...]

OTHER = "other"
COUNTER_LIMIT = 10_000
HISTOGRAM_LIMIT = 1_000
"""Combinations of labels per family; each is one line in a counter and a score in a histogram."""


class Counter:
    """A growing number per combination of labels."""

    def __init__(
        self,
        name: str,
        help_text: str,
        labels: Sequence[str],
        limit: int = COUNTER_LIMIT,
        *,
        divisor: int = 1,
    ) -> None:
        """`divisor` is how many make one of the unit that is shown: sums stay whole numbers."""
        self._divisor = divisor
        self._name = name
        self._help = help_text
        self._labels = labels
        self._limit = limit
        self._values: dict[LabelValues, int] = {}

    def add(self, labels: LabelValues, amount: int = 1) -> None:
        try:
            self._values[labels] += amount  # the usual case costs a single look-up
        except KeyError:
            if len(self._values) >= self._limit:
                labels = (OTHER,) * len(labels)
            self._values[labels] = self._values.get(labels, 0) + amount

    def collect(self) -> CounterMetricFamily:
        family = CounterMetricFamily(self._name, self._help, labels=self._labels)
        # A copy, because a scrape may run in a thread while requests are counted.
        for labels, value in list(self._values.items()):
            family.add_metric([label_text(label) for label in labels], value / self._divisor)
        return family


class Distribution:
    """The number of observations in each bucket, the last of which has no upper bound."""

    __slots__ = ("counts", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * (buckets + 1)
        self.total = 0.0


class Histogram:
    """A distribution of seconds per combination of labels."""

    def __init__(
        self,
        name: str,
        help_text: str,
        labels: Sequence[str],
        buckets: Sequence[float],
        limit: int = HISTOGRAM_LIMIT,
    ) -> None:
        self._name = name
        self._help = help_text
        self._labels = labels
        self._buckets = buckets
        self._bounds = [*map(floatToGoString, buckets), "+Inf"]
        self._limit = limit
        self._values: dict[LabelValues, Distribution] = {}

    def observe(self, labels: LabelValues, seconds: float) -> None:
        distribution = self._values.get(labels)
        if distribution is None:
            distribution = self._open(labels)
        distribution.counts[bisect_left(self._buckets, seconds)] += 1
        distribution.total += seconds

    def _open(self, labels: LabelValues) -> Distribution:
        if len(self._values) >= self._limit:
            labels = (OTHER,) * len(labels)
        return self._values.setdefault(labels, Distribution(len(self._buckets)))

    def collect(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily(self._name, self._help, labels=self._labels)
        for labels, distribution in list(self._values.items()):
            family.add_metric(
                [label_text(label) for label in labels],
                list(zip(self._bounds, accumulate(distribution.counts), strict=True)),
                distribution.total,
            )
        return family


def label_text(value: LabelValue) -> str:
    """Return a label's value as Prometheus shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if value else ""
