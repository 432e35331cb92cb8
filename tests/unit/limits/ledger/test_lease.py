"""A pod's leases while a message is under way, and when nothing comes back."""

from __future__ import annotations

from typing import TypeVar

import pytest

from airouter.bookkeeping.messages import (
    LEASE,
    SETTLING,
    WHOLE,
    LeaseGrant,
    LedgerAnswer,
    LedgerMessage,
)
from airouter.bookkeeping.window import SPAN, STEPS_PER_SECOND
from airouter.limits.ledger.budget_lease import BudgetLease
from airouter.limits.ledger.lease import Lease, RequestLease
from airouter.limits.ledger.leases import Leases

AnyLease = TypeVar("AnyLease", bound=Lease)


class TalkingPod:
    """The leases of a pod, and a ledger that is played by hand."""

    def __init__(self) -> None:
        self.step = 20_000
        self.leases = Leases("a", lambda: self.step / STEPS_PER_SECOND)

    def send(self, lease: Lease) -> LedgerMessage:
        """Send a regular message."""
        return self.leases.message([lease], regular=True)

    def answer(self, lease: Lease, message: LedgerMessage, amount: int) -> None:
        """Grant an amount, with a share of a tenth."""
        grants = [LeaseGrant(amount, 0, 0)]
        self.leases.accept([lease], message, LedgerAnswer(1, 1, WHOLE // 10, grants))

    def spend(self, lease: Lease, most: int) -> int:
        """Requests that are let through, and end at once, of so many."""
        for spent in range(most):
            if not lease.has(self.step, 1):
                return spent
            lease.take(self.step, 1)
            lease.settle(self.step, self.step, 1, 1)
        return most

    def fall_back(self, lease: Lease) -> None:
        """Reach the ledger once, then not for more than a minute."""
        self.answer(lease, self.send(lease), 0)
        self.step += SPAN + LEASE + 2
        self.send(lease)
        self.leases.fail([lease], "down")


def test_a_share_is_spent_once_while_a_message_is_under_way() -> None:
    pod = TalkingPod()
    lease = pod.leases.open(RequestLease, "k", 100)
    pod.fall_back(lease)
    assert pod.spend(lease, 6) == 6
    pod.step += 1
    pod.send(lease)
    assert pod.spend(lease, 20) == 4
    pod.leases.fail([lease], "down")
    assert pod.spend(lease, 20) == 0
    pod.step += SPAN + 2
    assert pod.spend(lease, 20) == 10


def test_what_is_spent_of_a_share_when_the_ledger_comes_back_was_told_as_held() -> None:
    pod = TalkingPod()
    lease = pod.leases.open(RequestLease, "k", 100)
    pod.fall_back(lease)
    assert pod.spend(lease, 6) == 6
    pod.step += 1
    message = pod.send(lease)
    assert (message.lines[0].held, [n for _, n in message.lines[0].uses]) == (4, [6])
    assert pod.spend(lease, 3) == 3
    pod.step += 5
    pod.answer(lease, message, 2)
    assert pod.spend(lease, 20) == 3


def test_a_lease_ends_three_seconds_after_the_pod_asked_for_it() -> None:
    pod = TalkingPod()
    lease = pod.leases.open(RequestLease, "k", 100)
    message = pod.send(lease)
    pod.step += 10  # the answer takes half a second
    pod.answer(lease, message, 5)
    pod.step += LEASE - 11
    assert pod.spend(lease, 1) == 1
    pod.step += 1
    assert pod.spend(lease, 1) == 0


def test_a_request_that_nobody_answered_is_given_back_to_the_lease() -> None:
    pod = TalkingPod()
    lease = pod.leases.open(RequestLease, "k", 100)
    pod.answer(lease, pod.send(lease), 1)
    lease.take(pod.step, 1)
    assert not lease.has(pod.step, 1)
    lease.give_back(pod.step, 1)
    assert lease.has(pod.step, 1)
    assert pod.send(lease).lines[0].uses == []


def test_a_request_that_runs_for_minutes_counts_from_when_it_was_let_through() -> None:
    pod = TalkingPod()
    lease = pod.leases.open(RequestLease, "k", 100)
    pod.answer(lease, pod.send(lease), 1)
    taken_at = pod.step
    lease.take(taken_at, 1)
    pod.step += SPAN - 100
    (line,) = pod.send(lease).lines
    assert (line.held, line.uses) == (0, [(SPAN - 101, 1)])
    lease.settle(taken_at, pod.step, 1, 1)
    assert (lease.reserved, lease.total) == (0, 1)


def test_more_tokens_than_were_reserved_are_told_and_are_a_debt_until_then() -> None:
    pod = TalkingPod()
    lease = pod.leases.open(Lease, "k", 1_000)
    pod.answer(lease, pod.send(lease), 100)
    lease.take(pod.step, 100)
    lease.settle(pod.step, pod.step, 100, 350)
    assert lease.left == -250
    message = pod.send(lease)
    assert (message.lines[0].held, message.lines[0].uses) == (0, [(0, 350)])
    pod.answer(lease, message, 40)
    assert lease.left == 40


def test_a_budget_that_is_lowered_takes_of_a_lease_once_what_it_has_too_much() -> None:
    pod = TalkingPod()
    lease = pod.leases.open(BudgetLease, "k", 100)
    message = pod.send(lease)
    grants = [LeaseGrant(60, 0, 10)]  # others have spent 30
    pod.leases.accept([lease], message, LedgerAnswer(1, 1, 0, grants))
    lease.resize(80)
    for _ in range(2):
        lease.keep_to_limit()
        assert lease.left == 50
    message = pod.send(lease)
    assert (message.lines[0].spent, message.lines[0].counted) == (90, 60)
    lease.keep_to_limit()
    pod.leases.fail([lease], "down")
    lease.keep_to_limit()
    message = pod.send(lease)
    pod.leases.accept([lease], message, LedgerAnswer(1, 1, 0, [LeaseGrant(40, 0, 0)]))
    lease.keep_to_limit()
    assert lease.left == 40


def test_a_lease_of_the_same_key_counts_on_from_the_one_that_is_gone() -> None:
    pod = TalkingPod()
    lease = pod.leases.open(RequestLease, "k", 100)
    pod.answer(lease, pod.send(lease), 3)
    assert pod.spend(lease, 9) == 3
    for _ in range(2):
        pod.answer(lease, pod.send(lease), 0)
    pod.leases.let_go(lease)
    again = pod.leases.open(RequestLease, "k", 100)
    assert again is not lease
    assert again.total >= 3


def test_the_log_tells_once_that_the_ledger_is_gone_and_once_that_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "airouter.limits")
    pod = TalkingPod()
    lease = pod.leases.open(RequestLease, "k", 100)
    pod.answer(lease, pod.send(lease), 1)
    for _ in range(10):
        pod.step += 10
        pod.send(lease)
        pod.leases.fail([lease], "down")
    for _ in range(2):
        pod.answer(lease, pod.send(lease), 1)
    assert [record.getMessage() for record in caplog.records] == [
        "the ledger of limits does not answer: down",
        "the ledger of limits answers again",
    ]


def test_a_pod_that_has_just_started_tells_to_come_back_once_a_ledger_may_have_settled() -> None:
    pod = TalkingPod()
    lease = pod.leases.open(RequestLease, "k", 100)
    assert lease.wait(pod.step, 1) == SETTLING
    pod.leases.fail([lease], "down")
    assert lease.wait(pod.step, 1) == SPAN + LEASE, "nothing is known of what others use"


@pytest.mark.parametrize("kind", [Lease, RequestLease, BudgetLease])
def test_what_is_given_back_is_there_while_the_ledger_is_told(kind: type[Lease]) -> None:
    pod = TalkingPod()
    lease = pod.leases.open(kind, "k", 100)
    pod.answer(lease, pod.send(lease), 60)
    assert pod.spend(lease, 10) == 10
    pod.send(lease)
    pod.leases.fail([lease], "lost")
    message = pod.send(lease)
    assert (lease.left, lease.room(pod.step)) == (0, 50)
    grants = [LeaseGrant(0, 0, 70)]
    pod.leases.accept([lease], message, LedgerAnswer(1, 1, WHOLE // 10, grants))
    assert lease.room(pod.step) == 70, "others have given back, too"


def test_no_budget_is_spent_of_which_something_is_being_given_back() -> None:
    pod = TalkingPod()
    lease = pod.leases.open(BudgetLease, "k", 100)
    pod.answer(lease, pod.send(lease), 100)
    pod.send(lease)
    assert not lease.is_spent
    pod.leases.fail([lease], "lost")
    pod.answer(lease, pod.send(lease), 0)
    assert lease.is_spent, "another pod has it by now"


def test_what_is_being_given_back_is_not_refused() -> None:
    pod = TalkingPod()
    lease = pod.leases.open(Lease, "k", 100)
    pod.answer(lease, pod.send(lease), 60)
    assert lease.need(pod.step, 90)
    message = pod.leases.message([lease])
    refusal = LedgerAnswer(1, 1, WHOLE // 10, [LeaseGrant(0, 50, 20)])
    pod.leases.accept([lease], message, refusal)
    assert not lease.need(pod.step, 90), "which is refused already"
    pod.send(lease)
    pod.send(lease)
    assert lease.left == 0
    assert lease.need(pod.step, 70)
