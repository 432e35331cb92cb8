"""Operators that do not know of each other."""

import pytest

from airouter_operator.kube.objects import ObjectKey
from airouter_operator.leading.ownership import GIVING_WAY, Ownership
from airouter_operator.retry import RetryLater

KEY = ObjectKey("ai", "default")
FIRST, OWN, LAST = "https://a", "https://b", "https://c"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ownership(clock: Clock) -> Ownership:
    return Ownership(OWN, clock)


@pytest.mark.parametrize("former", [FIRST, LAST])
def test_what_another_one_left_is_taken_over(ownership: Ownership, former: str) -> None:
    ownership.check_owner(KEY, former)
    ownership.check_owner(KEY, OWN)


def test_one_that_sorts_first_is_given_way_to_and_may_be_gone_later(
    ownership: Ownership, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    ownership.check_owner(KEY, OWN)
    for _ in range(3):
        with pytest.raises(RetryLater, match="https://a"):
            ownership.check_owner(KEY, FIRST)
    assert len(caplog.records) == 1
    clock.now += GIVING_WAY
    ownership.check_owner(KEY, FIRST)


def test_one_that_sorts_last_is_not_given_way_to(ownership: Ownership) -> None:
    for _ in range(3):
        ownership.check_owner(KEY, OWN)
        ownership.check_owner(KEY, LAST)


def test_a_replica_that_led_meanwhile_is_no_rival(ownership: Ownership) -> None:
    ownership.check_owner(KEY, OWN)
    ownership.forget_all()
    ownership.check_owner(KEY, FIRST)


def test_a_resource_that_is_made_anew_starts_anew(ownership: Ownership) -> None:
    ownership.check_owner(KEY, OWN)
    with pytest.raises(RetryLater):
        ownership.check_owner(KEY, FIRST)
    ownership.forget(KEY)
    ownership.check_owner(KEY, FIRST)
