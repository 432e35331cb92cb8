"""The memory of the last minutes: what it sums up, and that it never grows."""

from __future__ import annotations

from airouter.costs import PICODOLLARS
from airouter.telemetry.history import POINTS, RECENT, STEP, TrafficHistory
from airouter.telemetry.record import RequestRecord
from support.records import a_paid_record, a_record, an_answered_record, an_attempt


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def history(clock: Clock) -> TrafficHistory:
    return TrafficHistory(lambda: 3, clock, clock)


def answered(seconds: float = 0.2) -> RequestRecord:
    record = an_answered_record()
    record.first_byte = record.started + seconds
    return record


def test_a_step_that_is_over_is_a_point_of_the_curves() -> None:
    clock = Clock()
    known = history(clock)
    known.consume([answered(), answered()])
    assert not known.points
    clock.now += STEP
    known.advance()
    (point,) = known.points
    assert (point.tally.requests, point.tally.errors, point.in_flight) == (2, 0, 3)
    assert point.tally.tokens == 2 * (answered().input_tokens + answered().output_tokens)


def test_what_is_asked_of_no_model_counts_only_where_the_router_failed() -> None:
    known = history(Clock())
    looked, failed = (
        RequestRecord(path, "", "", 100.0, status=status, ended=100.1)
        for path, status in (("/vhealth/events", 200), ("/v1/chat/completions", 503))
    )
    known.consume([looked, answered(), failed])
    assert [record.status for record in known.requests] == [200, 503]
    assert known.requests[0].model
    assert known.count == 2


def test_an_answer_that_breaks_before_a_model_was_asked_is_an_error_among_others() -> None:
    clock = Clock()
    known = history(clock)
    broken = RequestRecord("/v1/responses", "chat", "", 100.0, error="store_unavailable")
    known.consume([broken, answered()])
    assert [record.error for record in known.requests] == ["store_unavailable", None]
    clock.now += STEP
    known.advance()
    assert (known.points[0].tally.requests, known.points[0].tally.errors) == (2, 1)


def test_silence_is_drawn_as_silence() -> None:
    clock = Clock()
    known = history(clock)
    known.consume([answered()])
    clock.now += 4 * STEP
    known.advance()
    assert [point.tally.requests for point in known.points] == [1, 0, 0, 0]


def test_it_knows_who_answered_for_what_in_the_last_minutes_and_forgets_after() -> None:
    clock = Clock()
    known = history(clock)
    record = answered()
    known.consume([record])
    clock.now += STEP
    recent = known.recent()
    assert recent.by_model[record.model].requests == 1
    assert recent.by_credential[record.attempts[-1].credential].requests == 1
    clock.now += 400.0
    assert not known.recent().by_model


def test_minutes_that_are_over_count_with_the_one_that_is_not() -> None:
    clock = Clock()
    known = history(clock)
    for _ in range(3):
        known.consume([answered()])
        clock.now += 60.0
        requests = known.recent().by_model[answered().model].requests
    assert requests == 3
    known.consume([answered()])
    clock.now += STEP
    assert known.recent().by_model[answered().model].requests == 4


def test_sums_that_did_not_change_compare_equal_when_they_are_read_again() -> None:
    clock = Clock()
    known = history(clock)
    known.consume([answered()])
    clock.now += STEP
    before = known.recent().by_model
    clock.now += STEP
    assert known.recent().by_model == before
    known.consume([answered()])
    clock.now += STEP
    assert known.recent().by_model != before


def test_percentiles_are_near_what_was_measured() -> None:
    clock = Clock()
    known = history(clock)
    known.consume([*(answered(0.19) for _ in range(90)), *(answered(2.2) for _ in range(10))])
    clock.now += STEP
    known.advance()
    tally = known.points[-1].tally
    assert 0.15 <= (tally.wait(0.5) or 0) <= 0.2
    assert 2.0 <= (tally.wait(0.95) or 0) <= 2.5


def test_a_failure_counts_for_the_credential_and_is_remembered_with_its_status() -> None:
    known = history(Clock())
    record = a_record()
    record.attempts = [an_attempt(credential="bad", status=529), an_attempt(credential="good")]
    record.status = 200
    known.consume([record])
    assert known.failures["bad"].what == "529"
    assert "good" not in known.failures


def test_the_clients_own_mistake_is_no_failure_of_a_credential() -> None:
    known = history(Clock())
    record = a_record()
    record.attempts, record.status = [an_attempt(credential="c", status=400)], 400
    known.consume([record])
    assert not known.failures


def test_money_is_summed_up_by_day() -> None:
    clock = Clock()
    known = history(clock)
    record = a_paid_record()
    known.consume([record])
    clock.now += STEP
    ((_, spent),) = known.spent_today().items()
    assert record.cost is not None
    assert spent == record.cost.amount < PICODOLLARS
    clock.now += 86_400.0
    known.advance()
    assert not known.spent_today()


def test_it_never_grows() -> None:
    clock = Clock()
    known = history(clock)
    for _ in range(2 * POINTS):
        known.consume([answered()])
        clock.now += STEP
    assert len(known.points) == POINTS
    assert (len(known.requests), known.count) == (RECENT, 2 * POINTS)
