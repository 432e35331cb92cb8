"""The line that a request leaves."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from airouter.telemetry.access import AccessLog
from airouter.telemetry.record import BanEvent
from support.records import a_paid_record, a_record, a_traced_record, an_answered_record, an_attempt

if TYPE_CHECKING:
    from collections.abc import Iterator

SOON = 5.0


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


@pytest.fixture
def log(pipe: tuple[int, int]) -> Iterator[AccessLog]:
    """A log whose clocks say that second 100 was 2025-01-01T00:00:00Z."""
    log = AccessLog(pipe[1], wall=lambda: 1735689600.0 + 50.0, monotonic=lambda: 150.0)
    yield log
    log.close(SOON)


def read(pipe: tuple[int, int]) -> list[dict[str, object]]:
    return [json.loads(line) for line in os.read(pipe[0], 65536).splitlines()]


def test_a_line_tells_all_of_a_request(log: AccessLog, pipe: tuple[int, int]) -> None:
    record = a_traced_record()
    record.cached_tokens, record.reasoning_tokens = 4, 100
    log.consume([record])
    assert read(pipe) == [
        {
            "time": "2025-01-01T00:00:00.520000Z",
            "request_id": "req_1",
            "method": "POST",
            "path": "/v1/chat/completions",
            "principal": "team-a",
            "model": "gpt-4o",
            "credential": "openai-main",
            "upstream_model": "gpt-4o-2024-11-20",
            "status": 200,
            "error": None,
            "stream": False,
            "duration_ms": 520.0,
            "ttfb_ms": 515.0,
            "overhead_ms": 20.0,
            "attempts": 1,
            "continued": 0,
            "input_tokens": 12,
            "output_tokens": 340,
            "cached_tokens": 4,
            "reasoning_tokens": 100,
            "cache_write_tokens": 0,
            "cost_usd": None,
            "saved_usd": None,
            "price_version": None,
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "failed_attempts": [],
            "bans": [],
        }
    ]


def test_a_line_tells_what_a_request_cost_and_by_which_price(
    log: AccessLog, pipe: tuple[int, int]
) -> None:
    log.consume([a_paid_record()])
    (line,) = read(pipe)
    assert (line["cost_usd"], line["saved_usd"]) == (0.00325, 0.00025)
    assert line["price_version"] == "declared-1"


def test_what_a_refused_request_has_not_is_null(log: AccessLog, pipe: tuple[int, int]) -> None:
    record = a_record(status=401)
    record.model = record.principal = ""
    record.first_byte = 0.0
    record.error = "invalid_api_key"
    log.consume([record])
    (line,) = read(pipe)
    absent = ("principal", "model", "credential", "upstream_model", "ttfb_ms", "trace_id")
    assert [line[name] for name in absent] == [None] * len(absent)
    assert (line["status"], line["error"], line["attempts"]) == (401, "invalid_api_key", 0)


def test_the_backend_that_answered_is_named(log: AccessLog, pipe: tuple[int, int]) -> None:
    log.consume([a_record(an_attempt("first", status=503), an_attempt("second"))])
    (line,) = read(pipe)
    assert (line["credential"], line["attempts"]) == ("second", 2)


def test_a_batch_is_a_line_each_in_one_write(log: AccessLog, pipe: tuple[int, int]) -> None:
    log.consume([an_answered_record(), an_answered_record()])
    assert len(read(pipe)) == 2


def test_a_request_id_cannot_forge_a_line(log: AccessLog, pipe: tuple[int, int]) -> None:
    record = an_answered_record()
    record.request_id = 'x"}\n{"status": 500'
    log.consume([record])
    assert [line["request_id"] for line in read(pipe)] == ['x"}\n{"status": 500']


def test_closing_writes_what_is_left(log: AccessLog, pipe: tuple[int, int]) -> None:
    log.consume([an_answered_record()])
    log.close(SOON)
    assert len(read(pipe)) == 1


def test_a_reader_that_stalls_costs_lines_and_no_time(pipe: tuple[int, int]) -> None:
    log = AccessLog(pipe[1], capacity=200_000)
    records = [an_answered_record() for _ in range(64)]
    for _ in range(100):  # some three megabytes into a pipe of 64 KiB
        log.consume(records)
    assert 0 < log.dropped < 6400
    log.close(0.01)
    written = 0
    while written < (6400 - log.dropped):
        written += os.read(pipe[0], 65536).count(b"\n")
    assert written == 6400 - log.dropped


def test_a_reader_that_left_costs_lines_that_are_counted() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    log = AccessLog(writing)
    log.consume([an_answered_record(), an_answered_record()])
    log.close(SOON)
    os.close(writing)
    assert log.dropped == 2


def test_a_line_tells_of_the_bans_that_its_request_led_to(
    log: AccessLog, pipe: tuple[int, int]
) -> None:
    record = a_record(an_attempt())
    record.bans = [
        BanEvent(100.0, "openai-main", "gpt-4o", "429", 60.0),
        BanEvent(100.0, "spare", "", "refused_key", 60.0),
    ]
    log.consume([record])
    (line,) = read(pipe)
    assert line["bans"] == ["openai-main/gpt-4o: 429", "spare: refused_key"]
