"""Clients are counted by their names as long as they are among the busiest."""

from __future__ import annotations

from prometheus_client.core import Metric

from airouter.telemetry.metrics.by_client import ByClient
from airouter.telemetry.record import RequestRecord


def counted(by_client: ByClient, *clients: str) -> None:
    for client in clients:
        record = RequestRecord("/v1/chat/completions", "chat", "r", 0.0, status=200)
        record.principal = client
        by_client.consume([record])


def requests(by_client: ByClient) -> dict[str, float]:
    family: Metric = next(iter(by_client.collect()))
    return {sample.labels["client"]: sample.value for sample in family.samples}


def test_those_who_come_after_the_places_are_taken_are_counted_together() -> None:
    by_client = ByClient(most=2)
    counted(by_client, "a", "b", "c", "d", "a")
    assert requests(by_client) == {"a": 2, "b": 1, "other": 2}


def test_a_client_that_has_become_busy_takes_the_place_of_a_quiet_one() -> None:
    by_client = ByClient(most=2, window=10.0)
    by_client.decide(0.0)
    counted(by_client, "a", "a", "b", "c", "c", "c")
    by_client.decide(9.9)
    assert requests(by_client) == {"a": 2, "b": 1, "other": 3}
    by_client.decide(10.0)
    counted(by_client, "c", "b")
    assert requests(by_client) == {"a": 2, "c": 1, "other": 4}


def test_no_number_falls_while_a_client_keeps_its_place() -> None:
    by_client = ByClient(most=2, window=10.0)
    by_client.decide(0.0)
    counted(by_client, "a", "b")
    for now in (10.0, 20.0, 30.0):
        counted(by_client, "a")
        by_client.decide(now)
    assert requests(by_client) == {"a": 4, "b": 1}
