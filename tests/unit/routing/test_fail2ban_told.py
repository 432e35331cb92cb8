"""Bans that replicas tell each other of, with time in the test's hand."""

from __future__ import annotations

from airouter.bans.notice import BY_HAND, Ban
from airouter.config.snapshot import Fail2ban, Snapshot
from airouter.routing.fail2ban import Bans
from airouter.routing.outcome import ANSWERED
from support.bans import DOWN, KEY_REFUSED, a_snapshot, banned, fail, some_bans
from support.routes import a_backend


def test_a_ban_that_another_replica_tells_of_is_kept() -> None:
    here, there = some_bans(), some_bans()
    fail(there, a_backend("a"), 0.0, 0.0, 0.0)
    (told,) = there.known(20.0)
    here.learn(told, 1000.0)
    assert banned(here, a_backend("a"), 1039.9)
    assert not banned(here, a_backend("a"), 1040.0)
    assert fail(here, a_backend("a"), 1040.0) == Ban("a", "a-model", "503", 120.0, 120.0, 2)


def test_a_ban_by_hand_that_another_replica_tells_of_is_kept() -> None:
    here = some_bans()
    here.learn(Ban("a", "", BY_HAND, None, None, 1), 0.0)
    assert banned(here, a_backend("a"), 1e9)


def test_a_shorter_ban_or_one_of_an_unknown_credential_is_not_learnt() -> None:
    here = some_bans()
    fail(here, a_backend("a"), 0.0, 0.0, 0.0)
    here.learn(Ban("a", "a-model", "429", 5.0, 5.0, 7), 0.0)
    here.learn(Ban("x", "", "429", 5.0, 5.0, 1), 0.0)
    assert here.known(0.0) == [Ban("a", "a-model", "503", 60.0, 60.0, 1)]


def a_replica() -> tuple[Bans, list[tuple[Ban, bool]]]:
    """Bans, and what they tell others: each with whether it ended."""
    bans, told = some_bans(), list[tuple[Ban, bool]]()

    def tell(ban: Ban, *, ended: bool = False) -> None:
        told.append((ban, ended))

    bans.tell = tell
    return bans, told


def pass_on(told: list[tuple[Ban, bool]], other: Bans, now: float) -> None:
    for ban, ended in told:
        other.hear(ban, now, ended=ended)
    told.clear()


def test_an_answer_after_a_ban_ends_it_for_all_replicas() -> None:
    (here, told), there, backend = a_replica(), some_bans(), a_backend("a")
    fail(here, backend, 0.0, 0.0, 0.0)
    pass_on(told, there, 0.0)
    assert banned(there, backend, 1.0)
    here.probe(backend, 61.0)
    here.note(backend, ANSWERED, 61.0)
    pass_on(told, there, 61.0)
    assert there.known(61.0) == []


def test_replicas_that_try_at_the_same_time_and_fail_count_one_ban_more() -> None:
    (one, told), two, backend = a_replica(), some_bans(), a_backend("a")
    fail(one, backend, 0.0, 0.0, 0.0)
    pass_on(told, two, 0.0)
    fail(two, backend, 60.0)
    fail(one, backend, 60.5)
    pass_on(told, two, 60.5)
    assert [(ban.seconds, ban.count) for ban in two.known(60.5)] == [(120.0, 2)]


def test_lifting_ends_what_another_replica_bans_by_hand_and_otherwise() -> None:
    (here, told), there, backend = a_replica(), some_bans(), a_backend("a")
    fail(here, backend, 0.0, 0.0, 0.0)
    here.ban("a", None, 0.0)
    pass_on(told, there, 0.0)
    assert len(there.known(1.0)) == 2
    here.lift("a")
    pass_on(told, there, 1.0)
    assert there.known(1.0) == []


def test_a_new_secret_leaves_the_ban_of_the_old_one_to_replicas_that_have_it_still() -> None:
    (here, told), there, backend = a_replica(), some_bans(), a_backend("a")
    fail(here, backend, 0.0, outcome=KEY_REFUSED)
    pass_on(told, there, 0.0)
    here.reload(a_snapshot(Fail2ban(), secret="sk-2"), 1.0)
    pass_on(told, there, 1.0)
    assert banned(there, backend, 1.0)
    there.reload(a_snapshot(Fail2ban(), secret="sk-2"), 2.0)
    assert there.known(2.0) == []


def test_a_replica_with_the_new_secret_does_not_hear_that_the_old_one_is_refused() -> None:
    here, (there, told), backend = some_bans(), a_replica(), a_backend("a")
    here.reload(a_snapshot(Fail2ban(), secret="sk-2"), 0.0)
    fail(there, backend, 0.0, outcome=KEY_REFUSED)
    fail(there, backend, 1e4, outcome=DOWN)
    pass_on(told, here, 1e4)
    assert here.known(1e4) == []


def test_the_end_of_a_ban_of_the_old_secret_leaves_that_of_the_new_one() -> None:
    (here, told), there, backend = a_replica(), some_bans(), a_backend("a")
    there.reload(a_snapshot(Fail2ban(), secret="sk-2"), 0.0)
    fail(here, backend, 0.0, outcome=KEY_REFUSED)
    fail(there, backend, 0.0, outcome=KEY_REFUSED)
    here.lift("a")
    here.reload(a_snapshot(Fail2ban(), secret="sk-2"), 1.0)
    told = [each for each in told if each[0].refused]
    pass_on(told, there, 1.0)
    assert banned(there, backend, 1.0)


def test_the_end_of_a_ban_leaves_one_by_hand() -> None:
    here = some_bans()
    here.ban("a", None, 0.0)
    here.hear(Ban("a", "", "503", 0.0, 0.0, 0), 1.0, ended=True)
    assert [ban.reason for ban in here.known(1.0)] == [BY_HAND]


def test_a_ban_of_a_credential_that_left_does_not_wait_for_one_of_its_name() -> None:
    (here, told), there = a_replica(), some_bans()
    fail(here, a_backend("a"), 0.0, outcome=KEY_REFUSED)
    here.ban("a", None, 0.0)
    pass_on(told, there, 0.0)
    here.reload(Snapshot(), 1.0)
    pass_on(told, there, 1.0)
    assert there.known(1.0) == []
