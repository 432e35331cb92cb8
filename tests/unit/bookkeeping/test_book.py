"""The ledger's arithmetic, in Python and inside a real Redis: the same for any exchanges."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airouter.bookkeeping import book as book_module
from airouter.bookkeeping.book import Book
from airouter.bookkeeping.messages import (
    KEPT,
    LEASE,
    MEMORY,
    SETTLING,
    SHARED,
    SOON,
    TOO_LATE,
    LedgerAnswer,
    LedgerMessage,
    Line,
)
from airouter.bookkeeping.window import SPAN
from airouter.limits.ledger.base import LedgerError
from airouter.limits.ledger.redis import RedisLedger
from support.redis_server import RedisServer, redis_server

START = 35_000_000_000
NUMBERS = count(1)
PATIENCE = 60.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


class OpenBook:
    """A book that has settled, and time in the test's hand."""

    def __init__(self) -> None:
        self.now = START
        self.book = Book(lambda: self.now)
        self.numbers: dict[str, int] = {}
        self.born = 0
        self.say("a")
        self.now += SETTLING

    def say(self, pod: str, *, delay: int = 0, **line: Any) -> LedgerAnswer:
        """Say one line, or nothing, and return the answer to it, so many steps later."""
        number = self.numbers.get(pod, 0) + 1
        fields = line_of(**line) if line else None
        message = LedgerMessage(
            pod,
            "p",
            number,
            number - 1,
            self.born if number > 1 else 0,
            self.now - delay,
            0,
            False,
            [fields] if fields else [],
        )
        answer = self.book.exchange(message)
        assert answer is not None
        self.numbers[pod], self.born = number, answer.born
        return answer

    def ask(self, pod: str, amount: int, **line: Any) -> int:
        """What is granted of an amount that requests wait for."""
        need = {"wanted": amount, "needed": amount, "least": 1}
        return self.say(pod, **(need | line)).grants[0].amount


def line_of(**fields: Any) -> Line:
    """A line of a limit of ten."""
    plain: dict[str, Any] = {
        "key": "k", "limit": 10, "slides": True, "total": 0, "held": 0,
        "wanted": 0, "needed": 0, "least": 0, "uses": [],
    }  # fmt: skip
    return Line(**(plain | fields))


def test_what_is_out_is_no_other_pods_and_what_is_given_back_is_again() -> None:
    ledger = OpenBook()
    assert ledger.ask("a", 8) == 8
    assert ledger.ask("b", 8) == 2
    ledger.say("a", held=3)
    assert ledger.ask("b", 8, held=2) == 5


def test_uses_count_for_sixty_seconds_from_when_they_were() -> None:
    ledger = OpenBook()
    assert ledger.ask("a", 10) == 10
    ledger.now += SOON
    ledger.say("a", total=10, uses=[(20, 10)])
    for _ in range(58):
        ledger.now += SOON
        assert ledger.ask("a", 10, total=10) == 0
    ledger.now += SOON
    wait = ledger.say("a", total=10, wanted=1, needed=1, least=1).grants[0].wait
    assert wait == 1
    ledger.now += wait
    assert ledger.ask("a", 10, total=10) == 10


def test_what_a_silent_pod_holds_counts_as_used_when_its_lease_ends() -> None:
    ledger = OpenBook()
    for pod in "bab":
        ledger.say(pod)
    assert ledger.ask("a", 10) == 10
    for _ in range(62):
        ledger.now += SOON
        assert ledger.ask("b", 10) == 0
    ledger.now += SOON + 1
    assert ledger.ask("b", 10) == 6  # the rest is the share of the pod that is out of sight
    for _ in range(KEPT // LEASE):
        ledger.now += LEASE
        ledger.say("b")
    assert ledger.ask("b", 10) == 10


def test_a_message_that_is_repeated_or_late_changes_nothing() -> None:
    ledger = OpenBook()
    assert ledger.ask("a", 4) == 4
    uses = [(2, 3)]
    ledger.say("a", total=3, held=1, uses=uses)
    late = LedgerMessage(
        "a", "p", 2, 0, ledger.born, 0, 0, False, [line_of(held=9, total=9, uses=[(0, 9)])]
    )
    assert ledger.book.exchange(late) is None
    ledger.say("a", total=4, held=0, uses=[*uses, (0, 1)])
    assert ledger.ask("b", 10) == 6


def test_a_message_that_was_on_its_way_for_longer_than_a_lease_changes_nothing() -> None:
    ledger = OpenBook()
    ledger.say("b")
    ledger.now += SPAN + LEASE
    ledger.say("b")
    assert ledger.say("a", delay=LEASE + 1, wanted=5).share == TOO_LATE
    assert ledger.ask("b", 10) == 1  # the share of the other is still kept
    assert ledger.say("a", delay=LEASE).share > 0


def test_the_sum_of_all_shares_leaves_room_for_pods_that_reach_no_ledger() -> None:
    ledger = OpenBook()
    shares = {"a": SHARED}
    for pods in ("b", "bc", "abcd", "a", "abcd", "abc", "abc"):
        for pod in pods:
            shares[pod] = ledger.say(pod).share
            assert sum(shares.values()) <= SHARED
        ledger.now += LEASE - 1
    assert min(shares.values()) > 0


def test_a_ledger_that_begins_grants_nothing_until_it_has_heard_of_others() -> None:
    ledger = OpenBook()
    ledger.book = Book(lambda: ledger.now)
    ledger.numbers.clear()
    assert ledger.ask("a", 1) == 0
    ledger.now += SETTLING
    assert ledger.ask("a", 1) == 1


def test_a_ledger_that_has_lost_its_memory_grants_nothing_for_a_minute() -> None:
    ledger = OpenBook()
    assert ledger.ask("a", 10) == 10
    ledger.book = Book(lambda: ledger.now)
    ledger.now += 1
    began = ledger.now
    while ledger.now < began + SPAN + LEASE:
        assert ledger.ask("a", 10) == 0
        ledger.now += SOON
    assert ledger.ask("a", 10) == 10


def test_a_ledger_that_starts_from_an_old_copy_notices_and_begins_anew() -> None:
    ledger = OpenBook()
    ledger.numbers["a"] += 5
    before = ledger.born
    assert ledger.ask("a", 10) == 0
    assert ledger.born > before, "by which all pods know that it may have forgotten what they heard"
    ledger.now += SPAN + LEASE
    assert ledger.ask("a", 10) == 10


def test_requests_in_flight_of_a_silent_pod_keep_their_places_for_a_minute() -> None:
    ledger = OpenBook()
    for pod in "bab":
        ledger.say(pod)
    assert ledger.ask("a", 10, slides=False) == 10
    for _ in range(59):
        ledger.now += SOON
        assert ledger.ask("b", 10, slides=False) == 0
    ledger.now += SOON
    assert ledger.ask("b", 10, slides=False) == 6


def test_requests_in_flight_keep_their_places_while_nobody_reaches_the_ledger() -> None:
    ledger = OpenBook()
    ledger.say("b")
    assert ledger.ask("a", 10, slides=False) == 10
    ledger.now += 3 * SPAN
    assert ledger.ask("b", 10, slides=False) == 0
    ledger.now += SOON
    ledger.say("a", slides=False, held=9)
    assert ledger.ask("b", 10, slides=False) == 1


limits = st.builds(
    Line,
    key=st.sampled_from(["k", "l"]),
    limit=st.integers(0, 300),
    slides=st.booleans(),
    total=st.integers(0, 400),
    held=st.integers(0, 100),
    wanted=st.integers(0, 200),
    needed=st.integers(0, 50),
    least=st.integers(0, 60),
    uses=st.lists(st.tuples(st.integers(0, SPAN + 20), st.integers(0, 40)), max_size=4).map(
        lambda uses: sorted(uses, reverse=True)
    ),
)
budgets = st.builds(
    Line,
    key=st.sampled_from(["b", "c"]),
    limit=st.integers(0, 300),
    slides=st.just(False),
    total=st.integers(0, 400),
    held=st.integers(0, 100),
    wanted=st.integers(0, 200),
    needed=st.integers(0, 50),
    least=st.integers(0, 60),
    uses=st.lists(st.tuples(st.just(0), st.integers(0, 40)), max_size=1),
    keeps=st.integers(7_200, 50_000_000),
    born=st.sampled_from([0, 0, START, START + SPAN, 7]),
    spent=st.sampled_from([0, 0, 0, 100, 350]),
    counted=st.integers(0, 200),
)
messages = st.builds(
    LedgerMessage,
    pod=st.sampled_from("abc"),
    process=st.sampled_from("pq"),
    number=st.integers(1, 20),
    heard=st.sampled_from([0, 0, 0, 0, 1, 2, 15]),
    born=st.sampled_from([0, START, START, START]),
    answered=st.sampled_from([START, START + SPAN, START + KEPT]),
    since=st.integers(-1, KEPT),
    leaves=st.sampled_from([False] * 5 + [True]),
    lines=st.lists(limits | budgets, max_size=3, unique_by=lambda line: line.key),
)
steps = st.sampled_from([0, 0, 1, 1, 5, SOON, LEASE, LEASE + 1, SETTLING, SPAN, SPAN + LEASE, KEPT])


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(talk=st.lists(st.tuples(steps, messages), min_size=5, max_size=40))
def test_the_script_does_what_the_book_does(
    server: RedisServer, talk: list[tuple[int, LedgerMessage]]
) -> None:
    async def compare() -> None:
        now = START
        book, redis = Book(lambda: now), RedisLedger(server.url, f"test:{next(NUMBERS)}:", PATIENCE)
        try:
            for pause, message in talk:
                now += pause
                if now - START > MEMORY:  # by Redis' own clock, which no test moves
                    break
                expected = book.exchange(message)
                if expected is None:
                    with pytest.raises(LedgerError, match="late"):
                        await redis.exchange(message, now)
                else:
                    assert await redis.exchange(message, now) == expected
        finally:
            await redis.close()

    asyncio.run(compare())


def test_a_book_knows_no_more_pods_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "MOST_PODS", 3)
    book = Book(lambda: START)
    messages = [LedgerMessage(pod, "p", 1, 0, 0, 0, 0, False, []) for pod in "abcdaa"]
    answers = [
        book.exchange(msgspec.structs.replace(m, number=n)) for n, m in enumerate(messages, 1)
    ]
    assert [answer is not None for answer in answers] == [True, True, True, False, True, True]


def test_a_book_knows_no_more_limits_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "MOST_LIMITS", 2)
    book = OpenBook()
    amounts = [book.say("a", key=key, needed=1).grants[0].amount for key in "klmk"]
    assert amounts == [1, 1, 0, 1]
