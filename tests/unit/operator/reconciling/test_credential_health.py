"""The health of credentials, of what pods tell of bans, and the Events about it."""

from __future__ import annotations

import itertools
from typing import Any, cast

from airouter.bans.notice import BY_HAND, Ban
from airouter_operator.kube.objects import Object, ObjectKey
from airouter_operator.reconciling.ban_events import QUIET, BanEvents
from airouter_operator.reconciling.credential_health import (
    BanSummary,
    health_by_credential,
    health_in,
    seconds_to_next_end,
)
from airouter_operator.reconciling.events import EventRecorder

NOW = 1_795_435_200.0
IN_A_MINUTE = "2026-11-23T12:01:00Z"
KEY = ObjectKey("ai", "default")


def ban(upstream_name: str, remaining: float | None, reason: str = "503") -> Ban:
    return Ban("a", upstream_name, reason, remaining, remaining, 1)


def health(*bans: Ban, before: dict[str, Any] | None = None) -> BanSummary:
    return health_by_credential(bans, before or {}, NOW)["a"]


def test_the_ban_that_lasts_longest_gives_reason_and_end() -> None:
    found = health(ban("", 5.0, "429"), ban("gpt", 60.0))
    assert found == BanSummary("Banned", "503", IN_A_MINUTE)


def test_models_are_told_from_the_whole_credential() -> None:
    assert health(ban("gpt", 60.0), ban("", 0.0)).state == "ModelsBanned"


def test_a_ban_by_hand_without_an_end_has_none() -> None:
    found = health(ban("", None, BY_HAND), ban("", 60.0))
    assert found == BanSummary("Banned", BY_HAND, None)


def test_bans_that_are_over_leave_it_half_open() -> None:
    assert health(ban("", 0.0)) == BanSummary("HalfOpen", "503", None)


def test_an_end_that_has_not_changed_is_not_written_anew() -> None:
    before = {"credentialStatus": [{"name": "a", "until": IN_A_MINUTE}]}
    assert health(ban("", 61.3), before=before).until == IN_A_MINUTE
    assert health(ban("", 70.0), before=before).until == "2026-11-23T12:01:10Z"


def test_the_status_is_looked_at_again_when_a_ban_ends() -> None:
    assert seconds_to_next_end([ban("", None), ban("b", 0.0), ban("c", 7.0), ban("d", 9.0)]) == 7.0
    assert seconds_to_next_end([ban("", None)]) is None


def status(state: str) -> Object:
    return {"credentialStatus": [{"name": "a", "resolved": True, "state": state, "reason": "503"}]}


def test_a_status_tells_its_successor_of_bans() -> None:
    assert health_in(status("Healthy")) == {}
    assert health_in(status("Banned")) == {"a": BanSummary("Banned", "503", None)}


class Posted:
    """Takes Events."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.now = NOW

    async def post(self, config: Object, severity: str, reason: str, note: str) -> None:
        self.reasons.append(f"{severity} {reason}: {note}")


async def turn(events: BanEvents, *states: str) -> None:
    for before, after in itertools.pairwise(states):
        await events.record(KEY, {}, status(before), status(after))


async def test_a_credential_that_comes_and_goes_makes_an_event_of_each_kind_a_minute() -> None:
    posted = Posted()
    events = BanEvents(cast("EventRecorder", posted), lambda: posted.now)
    await turn(events, "Healthy", "Banned", "ModelsBanned", "HalfOpen", "Healthy")
    assert posted.reasons == [
        "Warning CredentialBanned: pods have banned credential a until it is lifted: 503",
        "Normal CredentialRecovered: credential a is not banned any more",
    ]
    await turn(events, "Healthy", "Banned", "Healthy")
    assert len(posted.reasons) == 2
    posted.now += QUIET
    await turn(events, "Healthy", "Banned", "Healthy")
    assert len(posted.reasons) == 4
