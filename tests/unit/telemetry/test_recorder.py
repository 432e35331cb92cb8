"""When records reach the consumers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from airouter.telemetry.record import RequestRecord
from airouter.telemetry.recorder import BATCH, CAPACITY, LONGEST_WAIT, Recorder
from support.records import a_record

if TYPE_CHECKING:
    from collections.abc import Callable


class Scheduled:
    """A callback to come, run by hand."""

    def __init__(self, delay: float, call: Callable[[], None]) -> None:
        self.delay = delay
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Agenda(list[Scheduled]):
    def schedule(self, delay: float, call: Callable[[], None]) -> Scheduled:
        self.append(Scheduled(delay, call))
        return self[-1]


class Batches(list[list[RequestRecord]]):
    def consume(self, records: list[RequestRecord]) -> None:
        self.append(records)


class Signal:
    def __init__(self, seen: asyncio.Future[int]) -> None:
        self.seen = seen

    def consume(self, records: list[RequestRecord]) -> None:
        self.seen.set_result(len(records))


class Broken:
    def consume(self, records: list[RequestRecord]) -> None:
        raise ZeroDivisionError


@pytest.fixture
def agenda() -> Agenda:
    return Agenda()


def test_a_record_waits_for_others(agenda: Agenda) -> None:
    batches = Batches()
    Recorder([batches], agenda.schedule).add(a_record())
    assert [entry.delay for entry in agenda] == [LONGEST_WAIT]
    assert batches == []


def test_records_that_came_meanwhile_go_on_together(agenda: Agenda) -> None:
    batches, records = Batches(), [a_record(), a_record()]
    recorder = Recorder([batches], agenda.schedule)
    for record in records:
        recorder.add(record)
    agenda[0].call()
    assert batches == [records]


def test_a_full_batch_goes_on_at_once_but_not_from_within_the_request(agenda: Agenda) -> None:
    batches = Batches()
    recorder = Recorder([batches], agenda.schedule)
    for _ in range(BATCH):
        recorder.add(a_record())
    assert [entry.delay for entry in agenda] == [LONGEST_WAIT, 0.0]
    assert batches == []
    agenda[1].call()
    assert len(batches[0]) == BATCH
    assert agenda[0].cancelled


def test_the_next_record_starts_a_wait_of_its_own(agenda: Agenda) -> None:
    recorder = Recorder([], agenda.schedule)
    recorder.add(a_record())
    recorder.flush()
    recorder.add(a_record())
    assert [entry.cancelled for entry in agenda] == [True, False]


def test_a_flush_without_records_hands_on_nothing(agenda: Agenda) -> None:
    batches = Batches()
    Recorder([batches], agenda.schedule).flush()
    assert batches == []


def test_a_broken_consumer_does_not_harm_the_others(agenda: Agenda) -> None:
    batches = Batches()
    recorder = Recorder([Broken(), batches], agenda.schedule)
    recorder.add(a_record())
    recorder.flush()
    assert len(batches) == 1


def test_a_broken_consumer_is_logged_once(agenda: Agenda, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder([Broken()], agenda.schedule)
    for _ in range(3):
        recorder.add(a_record())
        recorder.flush()
    assert [entry.message for entry in caplog.records] == ["Broken lost a batch of records"]


def test_records_beyond_the_capacity_are_dropped_and_counted(agenda: Agenda) -> None:
    batches, record = Batches(), a_record()
    recorder = Recorder([batches], agenda.schedule)
    for _ in range(CAPACITY + 3):
        recorder.add(record)
    recorder.flush()
    assert len(batches[0]) == CAPACITY
    assert recorder.dropped == 3


async def test_the_event_loop_can_be_the_schedule() -> None:
    loop = asyncio.get_running_loop()
    seen: asyncio.Future[int] = loop.create_future()
    recorder = Recorder([Signal(seen)], loop.call_later)
    for _ in range(BATCH):
        recorder.add(a_record())
    assert not seen.done()
    assert await asyncio.wait_for(seen, 30) == BATCH
