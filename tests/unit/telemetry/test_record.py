"""What a record tells of itself."""

from __future__ import annotations

import pytest

from airouter.config.snapshot import Price
from airouter.costs import Cost, price_list
from airouter.dialects.conversation import Usage
from airouter.interfaces import ConnectError
from airouter.telemetry.record import RequestRecord
from support.records import GPT_4O, a_paid_record, a_record, an_attempt

CHEAP = price_list("declared-2", Price(input="1", output="2"))


def test_overhead_is_what_lies_around_the_attempts() -> None:
    assert a_record(an_attempt()).overhead == pytest.approx(0.02)


def test_the_back_off_between_attempts_is_not_overhead() -> None:
    assert a_record(an_attempt(), an_attempt(started=105.0)).overhead == pytest.approx(0.02)


@pytest.mark.parametrize("first_won", [True, False])
def test_the_wait_before_an_attempt_beside_a_slow_one_is_not_overhead(first_won: bool) -> None:
    first, second = an_attempt(), an_attempt(started=100.31)
    if first_won:
        second.ended = first.ended
    record = a_record(*([second, first] if first_won else [first, second]))
    assert record.overhead == pytest.approx(0.02)


def test_the_wait_for_an_attempt_beside_one_that_failed_sooner_is_not_overhead() -> None:
    slow, second = an_attempt(status=503), an_attempt(status=503, started=100.31)
    second.ended = 100.33
    record = a_record(slow, second)
    record.ended = slow.ended + 0.01
    assert record.overhead == pytest.approx(0.02)


def test_all_of_a_request_that_reached_no_backend_is_overhead() -> None:
    assert a_record(status=401).overhead == pytest.approx(0.01)


def test_the_wait_for_a_request_that_was_made_in_its_place_is_not_overhead() -> None:
    record = a_record()
    record.ended, record.waited = record.started + 30.02, 30.0
    assert record.overhead == pytest.approx(0.02)


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


def a_continued_record() -> RequestRecord:
    """Of two backends that made one answer, each with a price of its own."""
    record = a_record(an_attempt("first"))
    record.attempts[0].price = GPT_4O
    record.note_usage(Usage(input_tokens=100, output_tokens=10))
    record.attempts.append(an_attempt("second"))
    record.attempts[1].price = CHEAP
    record.continued = 1
    record.note_usage(Usage(input_tokens=210, output_tokens=30))
    return record


def test_an_answer_costs_its_tokens_at_the_price_of_its_backend() -> None:
    assert a_paid_record().cost == Cost(amount=3_250_000_000, saved=250_000_000)


def test_each_part_of_an_answer_has_the_price_of_whom_it_is_from() -> None:
    record = a_continued_record()
    # 100 in at 2.5 and 10 out at 10 millionths of a dollar; then 110 in at 1 and 20 out at 2.
    assert [each.cost for each in record.attempts] == [Cost(350_000_000, 0), Cost(150_000_000, 0)]
    assert record.cost == Cost(500_000_000, 0)
    assert record.price_version == "declared-1, declared-2"
    assert (record.input_tokens, record.output_tokens) == (210, 30)


def test_an_answer_that_costs_nobody_knows_what_in_part_has_no_cost() -> None:
    record = a_continued_record()
    record.attempts[1].price = None
    assert record.cost is None
    assert record.price_version == "declared-1"


def test_a_request_without_an_answer_has_no_cost() -> None:
    record = a_record(an_attempt(status=503))
    record.attempts[0].price = GPT_4O
    assert record.cost is None
    assert record.price_version == ""
