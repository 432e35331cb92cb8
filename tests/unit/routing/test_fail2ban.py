"""Bans of backends, with time in the test's hand."""

from __future__ import annotations

import logging

import pytest

from airouter.bans.notice import BY_HAND, Ban
from airouter.config.snapshot import (
    BanThreshold,
    Credential,
    Fail2ban,
    Snapshot,
)
from airouter.routing.fail2ban import PROBE, Bans
from airouter.routing.marks import mark_of
from airouter.routing.outcome import ANSWERED, REFUSED_KEY, AttemptOutcome
from support.bans import (
    BAD_REQUEST,
    BROKEN_OFF,
    DOWN,
    KEY_REFUSED,
    UNWRITABLE,
    a_snapshot,
    banned,
    fail,
    failed,
    other_model,
    some_bans,
)
from support.routes import a_backend


def test_the_third_failure_inside_the_window_is_a_ban() -> None:
    bans, backend = some_bans(), a_backend("a")
    assert fail(bans, backend, 0.0, 10.0) is None
    assert not banned(bans, backend, 10.0)
    assert fail(bans, backend, 20.0) == Ban("a", "a-model", "503", 60.0, 60.0, 1)
    assert banned(bans, backend, 79.9)
    assert not banned(bans, backend, 80.0)


def test_failures_that_are_older_than_the_window_do_not_count() -> None:
    bans, backend = some_bans(window=60.0), a_backend("a")
    assert fail(bans, backend, 0.0, 30.0, 60.0) is None
    assert fail(bans, backend, 89.0) is not None


def test_an_answer_sets_the_count_to_zero() -> None:
    bans, backend = some_bans(), a_backend("a")
    fail(bans, backend, 0.0, 1.0)
    bans.note(backend, ANSWERED, 2.0)
    assert bans.standings == {}
    assert fail(bans, backend, 3.0, 4.0) is None


@pytest.mark.parametrize("outcome", [BAD_REQUEST, UNWRITABLE, failed(418), failed(0, "timeout")])
def test_what_counts_for_nothing_changes_nothing(outcome: AttemptOutcome) -> None:
    bans, backend = some_bans(error_rules=(("timeout", BanThreshold(1, 1.0)),)), a_backend("a")
    assert fail(bans, backend, 0.0, 1.0, 2.0, outcome=outcome) is None
    fail(bans, backend, 3.0, 4.0)
    bans.note(backend, outcome, 5.0)
    assert fail(bans, backend, 6.0) is not None


def test_nobody_is_banned_without_a_policy() -> None:
    bans, backend = Bans(), a_backend("a")
    bans.reload(a_snapshot(None), 0.0)
    assert fail(bans, backend, *[0.0] * 99) is None
    assert bans.standings == {}


def test_a_ban_is_of_one_model_unless_it_is_of_the_credential() -> None:
    for whole in (False, True):
        bans, backend = some_bans(whole_credential=whole), a_backend("a")
        fail(bans, backend, 0.0, 0.0, 0.0)
        assert banned(bans, backend, 1.0)
        assert banned(bans, other_model(backend), 1.0) is whole
        assert not banned(bans, a_backend("b"), 1.0)


def test_failures_of_all_models_count_together_where_the_credential_is_banned() -> None:
    bans, backend = some_bans(whole_credential=True), a_backend("a")
    fail(bans, backend, 0.0)
    fail(bans, other_model(backend), 0.0)
    assert fail(bans, backend, 0.0) == Ban("a", "", "503", 60.0, 60.0, 1)


def test_a_class_counts_for_all_its_statuses() -> None:
    bans, backend = some_bans(status_codes=(5,)), a_backend("a")
    assert fail(bans, backend, 0.0, 0.0, 0.0, outcome=failed(429)) is None
    fail(bans, backend, 0.0, 0.0, outcome=failed(500))
    assert fail(bans, backend, 0.0, outcome=failed(599)) is not None


@pytest.mark.parametrize(
    ("outcome", "seconds", "reason"),
    [
        (failed(429, "insufficient_quota"), 1.0, "insufficient_quota"),
        (failed(429), 2.0, "429"),
        (failed(410), 3.0, "410"),
        (failed(500), 60.0, "500"),
        (failed(503, "connect_error", "connect_error"), 60.0, "connect_error"),
        (failed(401, None, REFUSED_KEY), 5.0, REFUSED_KEY),
    ],
)
def test_the_narrowest_rule_decides(outcome: AttemptOutcome, seconds: float, reason: str) -> None:
    bans = some_bans(
        default=BanThreshold(1, 60.0),
        error_rules=(("insufficient_quota", BanThreshold(1, 1.0)),),
        rules=((429, BanThreshold(1, 2.0)), (4, BanThreshold(1, 3.0)), (401, BanThreshold(1, 5.0))),
    )
    found = fail(bans, a_backend("a"), 0.0, outcome=outcome)
    assert found is not None
    assert (found.seconds, found.reason) == (seconds, reason)


def test_failures_of_a_rule_count_by_themselves() -> None:
    bans, backend = some_bans(rules=((429, BanThreshold(2, 5.0)),)), a_backend("a")
    fail(bans, backend, 0.0, 0.0)
    assert fail(bans, backend, 0.0, outcome=failed(429)) is None
    assert fail(bans, backend, 0.0, outcome=failed(429)) is not None


def test_a_refused_key_is_a_ban_at_once_unless_it_is_to_be_counted() -> None:
    assert fail(some_bans(), a_backend("a"), 0.0, outcome=KEY_REFUSED) == Ban(
        "a",
        "a-model",
        REFUSED_KEY,
        3600.0,
        3600.0,
        1,
        mark_of(Credential("a", "OpenAI", secret="sk-1")),
    )
    counting = some_bans(bans_auth_failures=False)
    assert fail(counting, a_backend("a"), 0.0, 0.0, outcome=KEY_REFUSED) is None
    assert fail(counting, a_backend("a"), 0.0, outcome=KEY_REFUSED) is not None


def test_a_key_is_called_refused_until_it_serves_also_once_its_ban_is_over() -> None:
    bans, backend = some_bans(), a_backend("a")
    fail(bans, a_backend("b"), 0.0, 0.0, 0.0, outcome=DOWN)
    fail(bans, backend, 0.0, outcome=KEY_REFUSED)
    assert bans.refused_keys() == {"a"}
    assert not banned(bans, backend, 10_000.0)
    bans.note(backend, ANSWERED, 10_001.0)
    assert bans.refused_keys() == set()


def test_a_key_stays_refused_where_the_next_try_fails_for_another_reason() -> None:
    bans, backend = some_bans(), a_backend("a")
    fail(bans, backend, 0.0, outcome=KEY_REFUSED)
    fail(bans, backend, 3_600.0, outcome=DOWN)
    assert [ban.reason for ban in bans.known(3_601.0)] == ["503"]
    assert bans.refused_keys() == {"a"}
    bans.note(backend, ANSWERED, 20_000.0)
    assert bans.refused_keys() == set()


def test_another_key_is_not_called_refused_whatever_the_former_one_failed_at_last() -> None:
    bans, backend = some_bans(), a_backend("a")
    fail(bans, backend, 0.0, outcome=KEY_REFUSED)
    fail(bans, backend, 3_600.0, outcome=DOWN)
    bans.reload(a_snapshot(Fail2ban(), secret="another"), 3_601.0)
    assert bans.refused_keys() == set()
    assert not banned(bans, backend, 3_602.0)


def test_a_stream_that_breaks_off_is_a_failure() -> None:
    assert fail(some_bans(), a_backend("a"), 0.0, 0.0, 0.0, outcome=BROKEN_OFF) is not None


# After a ban


def test_one_request_tries_a_backend_whose_ban_is_over() -> None:
    bans, backend = some_bans(), a_backend("a")
    fail(bans, backend, 0.0, 0.0, 0.0)
    bans.probe(backend, 60.0)
    assert banned(bans, backend, 60.0)
    bans.note(backend, ANSWERED, 61.0)
    assert bans.standings == {}
    assert fail(bans, backend, 62.0, 62.0) is None


def test_a_request_that_tries_a_backend_and_never_ends_does_not_bar_others() -> None:
    bans, backend = some_bans(), a_backend("a")
    fail(bans, backend, 0.0, 0.0, 0.0)
    bans.probe(backend, 60.0)
    assert banned(bans, backend, 60.0 + PROBE - 0.1)
    assert not banned(bans, backend, 60.0 + PROBE)


def test_a_request_that_tells_nothing_lets_another_one_try() -> None:
    bans, backend = some_bans(), a_backend("a")
    fail(bans, backend, 0.0, 0.0, 0.0)
    bans.probe(backend, 60.0)
    bans.note(backend, BAD_REQUEST, 61.0)
    assert not banned(bans, backend, 61.0)
    assert fail(bans, backend, 62.0) == Ban("a", "a-model", "503", 120.0, 120.0, 2)


def test_bans_in_a_row_double_up_to_the_longest() -> None:
    bans, backend, now = some_bans(longest=300.0), a_backend("a"), 0.0
    fail(bans, backend, 0.0, 0.0)
    lengths = []
    for _ in range(5):
        found = fail(bans, backend, now)
        assert found is not None
        assert found.seconds is not None
        lengths.append(found.seconds)
        now += found.seconds
        bans.probe(backend, now)
    assert lengths == [60.0, 120.0, 240.0, 300.0, 300.0]


def test_failures_of_requests_that_were_sent_before_a_ban_do_not_make_it_longer() -> None:
    bans, backend = some_bans(), a_backend("a")
    fail(bans, backend, 0.0, 0.0, 0.0)
    assert fail(bans, backend, *[1.0] * 50) is None
    assert not banned(bans, backend, 60.0)


def test_an_answer_to_a_request_that_was_sent_before_a_ban_does_not_end_it() -> None:
    bans, backend = some_bans(), a_backend("a")
    fail(bans, backend, 0.0, 0.0, 0.0)
    bans.note(backend, ANSWERED, 1.0)
    assert banned(bans, backend, 1.0)


def test_an_answer_to_a_request_that_was_sent_in_spite_of_a_ban_ends_it() -> None:
    bans, backend = some_bans(), a_backend("a")
    fail(bans, backend, 0.0, 0.0, 0.0)
    bans.probe(backend, 1.0)
    bans.note(backend, ANSWERED, 2.0)
    assert not banned(bans, backend, 2.0)


def test_what_is_remembered_of_a_flood_of_failures_is_small() -> None:
    bans, backend = some_bans(default=BanThreshold(10**9, 1.0), window=60.0), a_backend("a")
    for each in range(20_000):
        bans.note(backend, DOWN, each / 100)
    (standing,) = bans.standings.values()
    (count,) = standing.failures.values()
    assert len(count._steps) <= 61


# By hand


def test_a_ban_by_hand_lasts_as_long_as_it_was_asked_for() -> None:
    bans, backend = some_bans(), a_backend("a")
    assert bans.ban("a", 10.0, 0.0) == Ban("a", "", BY_HAND, 10.0, 10.0, 1)
    assert banned(bans, backend, 9.9)
    assert not banned(bans, backend, 10.0)
    assert fail(bans, backend, 10.0) is None


def test_a_ban_by_hand_without_an_end_is_lifted_by_hand() -> None:
    bans, backend = some_bans(), a_backend("a")
    bans.ban("a", None, 0.0)
    bans.note(backend, ANSWERED, 1e9)
    assert banned(bans, backend, 1e9)
    bans.lift("a")
    assert not banned(bans, backend, 1e9)


def test_lifting_ends_the_bans_of_all_models() -> None:
    bans, backend = some_bans(), a_backend("a")
    for each in (backend, other_model(backend), a_backend("b")):
        fail(bans, each, 0.0, 0.0, 0.0)
    bans.lift("a")
    assert [ban.credential for ban in bans.known(1.0)] == ["b"]


def test_a_credential_that_there_is_not_cannot_be_banned() -> None:
    with pytest.raises(KeyError):
        some_bans().ban("x", 1.0, 0.0)
    with pytest.raises(KeyError):
        some_bans().lift("x")


# Reloads


def after_reload(now: Snapshot, outcome: AttemptOutcome = DOWN) -> bool:
    """Whether a ban survives a reload."""
    bans, backend = some_bans(), a_backend("a")
    fail(bans, backend, 0.0, 0.0, 0.0, outcome=outcome)
    bans.reload(now, 1.0)
    return banned(bans, backend, 2.0)


def test_a_reload_forgets_no_ban() -> None:
    assert after_reload(a_snapshot(Fail2ban(default=BanThreshold(9, 1.0))))
    assert after_reload(a_snapshot(Fail2ban(), labels={"new": "label"}), KEY_REFUSED)


def test_a_new_secret_ends_the_ban_for_the_old_one_and_no_other() -> None:
    renewed = a_snapshot(Fail2ban(), secret="sk-2")
    assert not after_reload(renewed, KEY_REFUSED)
    assert after_reload(renewed, DOWN)


def test_a_ban_ends_with_what_it_is_about() -> None:
    assert not after_reload(a_snapshot(None))
    assert not after_reload(Snapshot(fail2ban=Fail2ban()))
    assert not after_reload(a_snapshot(Fail2ban(), base_url="http://elsewhere"))
    assert not after_reload(replace_models(a_snapshot(Fail2ban())))


def replace_models(snapshot: Snapshot) -> Snapshot:
    return Snapshot(credentials=snapshot.credentials, fail2ban=snapshot.fail2ban)


def test_a_reload_forgets_no_failure() -> None:
    bans, backend = some_bans(), a_backend("a")
    fail(bans, backend, 0.0, 0.0)
    bans.reload(a_snapshot(Fail2ban()), 1.0)
    assert fail(bans, backend, 1.0) is not None


def test_a_ban_by_hand_outlives_the_policy() -> None:
    bans = some_bans()
    bans.ban("a", None, 0.0)
    bans.reload(a_snapshot(None, base_url="http://elsewhere"), 1.0)
    assert banned(bans, a_backend("a"), 1.0)


def test_a_credential_has_its_own_policy() -> None:
    bans, own = Bans(), Fail2ban(default=BanThreshold(1, 5.0))
    bans.reload(a_snapshot(None, fail2ban=own), 0.0)
    assert fail(bans, a_backend("a"), 0.0) is not None
    assert fail(bans, a_backend("b"), 0.0, 0.0, 0.0) is None


def test_bans_are_shown_also_while_they_are_half_open() -> None:
    bans = some_bans()
    fail(bans, a_backend("a"), 0.0, 0.0, 0.0)
    assert bans.known(61.0) == [Ban("a", "a-model", "503", 60.0, 0.0, 1)]
    assert bans.in_force(59.0) == {"a": 1, "b": 0}
    assert bans.in_force(61.0) == {"a": 0, "b": 0}
    assert bans.begun == {("a", "503"): 1}


def test_a_ban_and_its_end_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    bans, backend = some_bans(), a_backend("a")
    with caplog.at_level(logging.INFO, logger="airouter.bans"):
        fail(bans, backend, *[0.0] * 20)
        bans.probe(backend, 60.0)
        bans.note(backend, ANSWERED, 61.0)
        bans.note(backend, ANSWERED, 62.0)
    assert [each.getMessage() for each in caplog.records] == [
        "credential a, model a-model, is banned for 60 s: 503",
        "credential a, model a-model, answers again: its ban has ended",
    ]


def test_a_pod_that_broke_off_alone_neither_bans_its_account_nor_ends_a_ban() -> None:
    bans, backend = some_bans(default=BanThreshold(1, 10.0)), a_backend("a")
    alone = AttemptOutcome(kind="broken_reply")
    assert fail(bans, backend, 0.0, outcome=alone) is None
    assert fail(bans, backend, 1.0) is not None
    assert fail(bans, backend, 20.0, outcome=alone) is None
    assert bans.standings
