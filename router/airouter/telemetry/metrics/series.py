"""Counters and histograms that cost an addition.

prometheus_client locks each child; everything here runs on the event loop's thread, so plain
numbers do. A series is looked up by its labels, which costs several times as much as to count in
it, so whoever counts often keeps the series. Only a scrape turns them into that library's families,
which it knows how to write.

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


class Count:
    """A growing number."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


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
        self._counts: dict[LabelValues, Count] = {}

    def series(self, *labels: LabelValue) -> Count:
        """Return the number of some labels, to be counted in as often as one likes."""
        found = self._counts.get(labels)
        if found is not None:
            return found
        if len(self._counts) >= self._limit:
            labels = (OTHER,) * len(labels)
        return self._counts.setdefault(labels, Count())

    def collect(self) -> CounterMetricFamily:
        family = CounterMetricFamily(self._name, self._help, labels=self._labels)
        # A copy, because a scrape may run in a thread while requests are counted.
        for labels, count in list(self._counts.items()):
            if count.value:  # else it was found, and nothing counted yet
                family.add_metric(
                    [label_text(label) for label in labels], count.value / self._divisor
                )
        return family


class Distribution:
    """The number of observations in each bucket, the last of which has no upper bound."""

    __slots__ = ("_buckets", "counts", "total")

    def __init__(self, buckets: Sequence[float]) -> None:
        self._buckets = buckets
        self.counts = [0] * (len(buckets) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(self._buckets, seconds)] += 1
        self.total += seconds


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
        self._distributions: dict[LabelValues, Distribution] = {}

    def series(self, *labels: LabelValue) -> Distribution:
        """Return the distribution of some labels, to observe in as often as one likes."""
        found = self._distributions.get(labels)
        if found is not None:
            return found
        if len(self._distributions) >= self._limit:
            labels = (OTHER,) * len(labels)
        return self._distributions.setdefault(labels, Distribution(self._buckets))

    def collect(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily(self._name, self._help, labels=self._labels)
        for labels, distribution in list(self._distributions.items()):
            counts = list(accumulate(distribution.counts))
            if counts[-1]:
                bounds = list(zip(self._bounds, counts, strict=True))
                family.add_metric(
                    [label_text(label) for label in labels], bounds, distribution.total
                )
        return family


def label_text(value: LabelValue) -> str:
    """Return a label's value as Prometheus shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if value else ""
