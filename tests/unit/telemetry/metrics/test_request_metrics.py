"""Requests that are alike are counted in the same series."""

from __future__ import annotations

from airouter.telemetry.metrics.request_metrics import MOST_KEPT, AttemptMetrics, RequestMetrics
from airouter.telemetry.record import Attempt, RequestRecord


def test_each_request_is_counted_by_its_own_labels_however_many_unlike_ones_there_are() -> None:
    metrics = RequestMetrics()
    models = [f"model-{number}" for number in range(MOST_KEPT + 1)]
    for model in [*models, *models]:
        record = RequestRecord("/", "chat", "id", 1.0, model=model, status=200, ended=2.0)
        metrics.consume([record])
    requests, *_ = metrics.collect()
    assert {sample.labels["model"]: sample.value for sample in requests.samples} == dict.fromkeys(
        models, 2.0
    )


def test_each_attempt_is_counted_by_how_it_ended() -> None:
    metrics = AttemptMetrics()
    ends = [(200, None), (503, None), (0, "connect_error"), (0, None)]
    for status, error in [*ends, *ends]:
        attempt = Attempt("one", "m", 1.0, status=status, error=error)
        metrics.consume([RequestRecord("/", "chat", "id", 1.0, attempts=[attempt])])
    attempts, _ = metrics.collect()
    assert {
        (each.labels["status"], each.labels["error"]): each.value for each in attempts.samples
    } == {
        ("200", ""): 2,
        ("503", ""): 2,
        ("", "connect_error"): 2,
        ("", "cancelled"): 2,
    }
