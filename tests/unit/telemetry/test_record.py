"""What a record tells of itself."""

from __future__ import annotations

import pytest

from airouter.interfaces import ConnectError
from support.records import a_record, an_attempt


def test_overhead_is_what_lies_around_the_attempts() -> None:
    assert a_record(an_attempt()).overhead == pytest.approx(0.02)


def test_the_back_off_between_attempts_is_not_overhead() -> None:
    assert a_record(an_attempt(), an_attempt(started=105.0)).overhead == pytest.approx(0.02)


def test_all_of_a_request_that_reached_no_backend_is_overhead() -> None:
    assert a_record(status=401).overhead == pytest.approx(0.01)


def test_the_last_attempt_decided_the_answer() -> None:
    record = a_record(an_attempt("first"), an_attempt("second"))
    assert record.last is record.attempts[1]
    assert a_record().last is None


def test_an_attempt_with_neither_status_nor_error_was_cancelled() -> None:
    assert an_attempt(status=0).outcome == "cancelled"


def test_the_outcome_of_an_attempt_is_its_error() -> None:
    attempt = an_attempt(status=0)
    attempt.error = ConnectError.kind
    assert attempt.outcome == "connect_error"
    assert an_attempt(status=500).outcome == ""
