"""The book of pods."""

import pytest

from airouter.config.delivery import Poll
from airouter_operator.delivering.pods import Pods, Rejection, TooManyPods
from airouter_operator.kube.objects import ObjectKey

KEY = ObjectKey("ai", "default")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pods(clock: Clock) -> Pods:
    return Pods(grace=5.0, most=2, clock=clock)


def test_a_poll_acknowledges_the_version_it_names(pods: Pods) -> None:
    pods.begin(KEY, Poll("a", "v1"))
    pods.begin(KEY, Poll("b", "v2"))
    assert pods.tally(KEY, "v2")[:2] == (2, 1)


def test_a_refusal_is_told_with_its_reason_until_the_pod_runs_that_version(pods: Pods) -> None:
    pods.begin(KEY, Poll("a", "v1", refused="v2", reason="too new"))
    assert pods.tally(KEY, "v2").rejections == (Rejection("a", "v2", "too new"),)
    assert pods.tally(KEY, "v3").rejections == ()
    pods.begin(KEY, Poll("a", "v2", refused="v2", reason="too new"))
    assert pods.tally(KEY, "v2").rejections == ()


def test_only_something_new_is_news(pods: Pods) -> None:
    assert pods.begin(KEY, Poll("a", "v1"))
    assert not pods.begin(KEY, Poll("a", "v1"))
    assert pods.begin(KEY, Poll("a", "v2"))


def test_a_pod_that_is_between_two_polls_is_still_there(pods: Pods, clock: Clock) -> None:
    pods.begin(KEY, Poll("a", "v1"))
    clock.now += 60
    pods.end(KEY, "a")
    clock.now += 4.9
    assert not pods.forget_gone(KEY)
    assert pods.tally(KEY, "v1").connected == 1


def test_a_pod_that_does_not_come_back_is_forgotten(pods: Pods, clock: Clock) -> None:
    pods.begin(KEY, Poll("a", "v1"))
    pods.end(KEY, "a")
    clock.now += 5
    assert pods.forget_gone(KEY)
    assert not pods.forget_gone(KEY)
    assert pods.count() == 0


def test_a_poll_whose_end_comes_late_does_not_make_its_pod_go_away(
    pods: Pods, clock: Clock
) -> None:
    pods.begin(KEY, Poll("a", "v1"))
    pods.begin(KEY, Poll("a", "v2"))
    pods.end(KEY, "a")
    clock.now += 60
    assert not pods.forget_gone(KEY)


def test_a_version_is_answered_when_every_pod_runs_or_refuses_it(pods: Pods) -> None:
    for name in "ab":
        pods.begin(KEY, Poll(name, "v1"))
    pods.begin(KEY, Poll("a", "v2"))
    assert not pods.all_answer(KEY, "v2")
    pods.begin(KEY, Poll("b", "v1", refused="v2"))
    assert pods.all_answer(KEY, "v2")


def test_the_pod_that_left_first_is_the_next_that_is_gone(pods: Pods, clock: Clock) -> None:
    for name in "ab":
        pods.begin(KEY, Poll(name, "v1"))
    assert pods.next_gone(KEY) is None
    pods.end(KEY, "a")
    clock.now += 2
    pods.end(KEY, "b")
    assert pods.next_gone(KEY) == 3


def test_one_routerconfig_has_a_bounded_number_of_pods(pods: Pods, clock: Clock) -> None:
    for name in "ab":
        pods.begin(KEY, Poll(name))
    with pytest.raises(TooManyPods):
        pods.begin(KEY, Poll("c"))
    pods.begin(ObjectKey("ai", "other"), Poll("c"))
    pods.end(KEY, "a")
    clock.now += 5
    pods.begin(KEY, Poll("c"))
    assert pods.tally(KEY, "").connected == 2


def test_the_pods_of_a_routerconfig_that_is_gone_are_forgotten(pods: Pods) -> None:
    pods.begin(KEY, Poll("a"))
    pods.forget(KEY)
    pods.end(KEY, "a")
    assert pods.count() == 0
