"""Operators that do not know of each other."""

import pytest

from airouter_operator.kube import Key
from airouter_operator.leading.ownership import GIVING_WAY, Rivals
from airouter_operator.watching.queue import Later

KEY = Key("ai", "default")
FIRST, OWN, LAST = "https://a", "https://b", "https://c"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rivals(clock: Clock) -> Rivals:
    return Rivals(OWN, clock)


@pytest.mark.parametrize("former", [FIRST, LAST])
def test_what_another_one_left_is_taken_over(rivals: Rivals, former: str) -> None:
    rivals.heed(KEY, former)
    rivals.heed(KEY, OWN)


def test_one_that_sorts_first_is_given_way_to_and_may_be_gone_later(
    rivals: Rivals, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    rivals.heed(KEY, OWN)
    for _ in range(3):
        with pytest.raises(Later, match="https://a"):
            rivals.heed(KEY, FIRST)
    assert len(caplog.records) == 1
    clock.now += GIVING_WAY
    rivals.heed(KEY, FIRST)


def test_one_that_sorts_last_is_not_given_way_to(rivals: Rivals) -> None:
    for _ in range(3):
        rivals.heed(KEY, OWN)
        rivals.heed(KEY, LAST)


def test_a_replica_that_led_meanwhile_is_no_rival(rivals: Rivals) -> None:
    rivals.heed(KEY, OWN)
    rivals.forget_all()
    rivals.heed(KEY, FIRST)


def test_a_resource_that_is_made_anew_starts_anew(rivals: Rivals) -> None:
    rivals.heed(KEY, OWN)
    with pytest.raises(Later):
        rivals.heed(KEY, FIRST)
    rivals.forget(KEY)
    rivals.heed(KEY, FIRST)
