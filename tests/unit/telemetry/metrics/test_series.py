"""Families whose labels are bounded."""

from __future__ import annotations

from airouter.telemetry.metrics.series import OTHER, Counter, Histogram


def test_combinations_past_the_limit_are_counted_as_other() -> None:
    counter = Counter("c_total", "Some.", ("model", "status"), limit=2)
    for name in ("a", "b", "c", "d", "a"):
        counter.series(name, 200).value += 1
    assert {sample.labels["model"]: sample.value for sample in counter.collect().samples} == {
        "a": 2,
        "b": 1,
        OTHER: 2,
    }


def test_what_was_found_and_never_counted_in_is_not_shown() -> None:
    counter = Counter("c_total", "Some.", ("model",))
    histogram = Histogram("h", "Some.", ("model",), (1.0,))
    counter.series("a")
    histogram.series("a")
    assert counter.collect().samples == histogram.collect().samples == []


def test_a_histogram_is_bounded_too() -> None:
    histogram = Histogram("h", "Some.", ("model",), (1.0,), limit=1)
    for name in ("a", "b", "c"):
        histogram.series(name).observe(0.5)
    counts = {
        sample.labels["model"]: sample.value
        for sample in histogram.collect().samples
        if sample.name == "h_count"
    }
    assert counts == {"a": 1, OTHER: 2}


def test_buckets_add_up_from_below() -> None:
    histogram = Histogram("h", "Some.", ("model",), (1.0, 2.0), limit=1)
    for seconds in (0.5, 1.5, 5.0):
        histogram.series("a").observe(seconds)
    buckets = {
        sample.labels["le"]: sample.value
        for sample in histogram.collect().samples
        if sample.name == "h_bucket"
    }
    assert buckets == {"1.0": 1, "2.0": 2, "+Inf": 3}
