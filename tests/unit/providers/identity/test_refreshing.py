"""Identities that are renewed before they end, whatever the time and whoever fails."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest

from airouter.providers.identity import refreshing
from airouter.providers.identity.base import IdentityError, header_line
from airouter.providers.identity.refreshing import Clock, Grant, RefreshingSigner, terms_of
from airouter.providers.identity.workers import Workers

SECRET = "hunter2"


class Time:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self.clock = Clock(lambda: self.now, self.sleep)

    async def sleep(self, seconds: float) -> None:
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sleepers.append((self.now + seconds, waking))
        await waking

    def go_to(self, now: float) -> None:
        self.now = now
        for due, waking in self.sleepers:
            if due <= now and not waking.done():
                waking.set_result(None)


class Subject(RefreshingSigner):
    """One whose tokens live 100 s, and that fails while `failure` is set."""

    def __init__(self, time: Time) -> None:
        super().__init__("c", Workers(), time.clock)
        self.time = time
        self.life = 100.0
        self.failure: Exception | None = None
        self.fetched = 0
        self.gate = threading.Event()
        self.gate.set()

    def fetch(self) -> Grant:
        self.fetched += 1
        self.gate.wait(60)
        if self.failure is not None:
            raise self.failure
        name = str(self.fetched).encode()
        return Grant(lambda path, _: (path, name), self.time.now + self.life)

    async def used(self) -> bytes:
        return (await self.sign(b"/", b""))[1]


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def subject(time: Time) -> Subject:
    return Subject(time)


@pytest.fixture
async def started(subject: Subject) -> AsyncIterator[Subject]:
    subject.start()
    yield subject
    subject.close()


async def fail_at(now: float, subject: Subject, time: Time) -> None:
    attempts, waits = subject.fetched, len(time.sleepers)
    time.go_to(now)
    await until(lambda: subject.fetched > attempts and len(time.sleepers) > waits)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("life", "renewed_before_end", "unused_before_end"),
    [(7200, 1800, 5), (3600, 900, 5), (1000, 300, 5), (400, 200, 5), (20, 10, 2), (2, 1, 0.2)],
)
def test_a_grant_is_renewed_well_before_its_end_however_short_it_lives(
    life: float, renewed_before_end: float, unused_before_end: float
) -> None:
    terms = terms_of(1000 + life, 1000)
    assert terms == pytest.approx(
        (1000 + life - renewed_before_end, 1000 + life - unused_before_end)
    )


def test_a_grant_without_end_is_never_renewed() -> None:
    assert terms_of(math.inf, 1000) == (math.inf, math.inf)


async def test_a_first_request_waits_for_the_first_grant(subject: Subject) -> None:
    assert await subject.used() == b"1"
    assert await subject.used() == b"1"
    assert subject.fetched == 1


async def test_requests_that_wait_share_one_attempt(subject: Subject) -> None:
    assert await asyncio.gather(*(subject.used() for _ in range(20))) == [b"1"] * 20
    assert subject.fetched == 1


async def test_a_request_that_is_given_up_does_not_take_the_attempt_with_it(
    subject: Subject,
) -> None:
    subject.gate.clear()
    impatient = asyncio.create_task(subject.used())
    patient = asyncio.create_task(subject.used())
    await until(lambda: subject.fetched == 1)
    impatient.cancel()
    await asyncio.wait([impatient])
    subject.gate.set()
    assert await patient == b"1"
    assert subject.fetched == 1


async def test_a_grant_is_renewed_in_the_background_ahead_of_its_end(
    started: Subject, time: Time
) -> None:
    assert await started.used() == b"1"
    await until(lambda: bool(time.sleepers))
    time.go_to(1050)
    await until(lambda: started.fetched == 2)
    await until(lambda: len(time.sleepers) == 2)
    assert await started.used() == b"2"


async def test_the_old_grant_is_used_while_a_renewal_takes_its_time(
    started: Subject, time: Time
) -> None:
    await started.used()
    await until(lambda: bool(time.sleepers))
    started.gate.clear()
    time.go_to(1050)
    await until(lambda: started.fetched == 2)
    assert await started.used() == b"1"
    started.gate.set()


async def test_while_renewals_fail_the_old_grant_is_used_until_it_ends(
    started: Subject, time: Time
) -> None:
    await started.used()
    await until(lambda: bool(time.sleepers))
    started.failure = OSError(SECRET)
    for now in (1050, 1080, 1094):
        await fail_at(now, started, time)
        assert await started.used() == b"1"
    time.now = 1095.0
    with pytest.raises(IdentityError, match="credential 'c': OSError"):
        await started.used()


async def test_after_a_failure_requests_fail_at_once_until_it_is_time_to_try_again(
    subject: Subject, time: Time
) -> None:
    subject.failure = OSError(SECRET)
    for _ in range(3):
        with pytest.raises(IdentityError):
            await subject.used()
    assert subject.fetched == 1
    subject.failure = None
    time.now += 1.0
    assert await subject.used() == b"2"


async def test_attempts_that_fail_become_rarer_but_never_rare(subject: Subject, time: Time) -> None:
    subject.failure = OSError(SECRET)
    pauses = []
    for _ in range(12):
        with pytest.raises(IdentityError):
            await subject.used()
        pauses.append(subject._not_before - time.now)
        time.now = subject._not_before
    assert 0.25 <= pauses[0] <= 0.5
    assert 15 <= pauses[-1] <= 30


async def test_a_provider_that_hangs_fails_the_request_in_time(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject.gate.clear()
    with monkeypatch.context() as hurried:
        hurried.setattr(refreshing, "READY_LIMIT", 0.02)
        with pytest.raises(IdentityError, match="no credentials came within"):
            await subject.used()
    subject.gate.set()
    assert await subject.used() == b"1"


async def test_a_grant_that_has_ended_when_it_comes_is_no_grant(subject: Subject) -> None:
    subject.life = -1.0
    with pytest.raises(IdentityError, match="the clock of this machine may be wrong"):
        await subject.used()


async def test_a_closed_signer_serves_those_who_hold_it_and_renews_no_more(
    started: Subject, time: Time
) -> None:
    await started.used()
    await until(lambda: bool(time.sleepers))
    started.close()
    await asyncio.sleep(0)
    time.go_to(1060)
    await asyncio.sleep(0.01)
    assert await started.used() == b"1"
    assert started.fetched == 1


async def test_a_failure_that_goes_on_is_logged_once_with_its_remedy(
    subject: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    subject.failure = ValueError("no")
    for _ in range(9):
        with pytest.raises(IdentityError):
            await subject.used()
        subject.time.now += 40.0
    (line,) = caplog.messages
    assert line.startswith("credential c cannot prove who it is: ValueError (fix: ")
    subject.time.now += 600.0
    with pytest.raises(IdentityError):
        await subject.used()
    assert len(caplog.messages) == 2


async def test_what_a_library_says_is_neither_told_nor_logged(
    subject: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    subject.failure = ValueError(f"bad key {SECRET}")
    with pytest.raises(IdentityError) as caught:
        await subject.used()
    assert "credential c cannot prove who it is: ValueError" in caplog.text
    assert SECRET not in caplog.text + str(caught.value) + repr(subject)


async def test_so_many_calls_at_once_take_threads_and_the_others_wait() -> None:
    workers, gate, running = Workers(2), threading.Event(), []

    def call(number: int) -> int:
        running.append(number)
        gate.wait(60)
        return number

    tasks = [asyncio.create_task(workers.run(partial(call, n))) for n in range(4)]
    await until(lambda: len(running) == 2)
    await asyncio.sleep(0.01)
    assert len(running) == 2
    gate.set()
    assert await asyncio.gather(*tasks) == [0, 1, 2, 3]


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "é", "a\x00"])
def test_what_cannot_stand_in_a_header_does_not_reach_one(value: str) -> None:
    with pytest.raises(ValueError, match="authorization"):
        header_line("authorization", value)
