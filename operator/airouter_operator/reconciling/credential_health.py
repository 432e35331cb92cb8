"""The health of credentials: which of them pods have banned, for status, conditions and Events.

Pure. What pods tell of bans comes from `delivering/`; there, times are what is left of them.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from airouter_operator.kube.objects import kubernetes_time, unix_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airouter.bans.notice import Ban

BanState = Literal["Healthy", "Banned", "ModelsBanned", "HalfOpen"]
BANNED: tuple[BanState, ...] = ("Banned", "ModelsBanned")
SAME = 2.0
"""Seconds by which two times differ that were computed of what was left, and are one."""


class BanSummary(NamedTuple):
    """The bans of one credential, in one."""

    state: BanState
    reason: str
    """The reason of the ban that lasts longest."""
    until: str | None
    """The time at which that ban ends, as Kubernetes writes times; None where it has no end, and
    where it is over."""


def health_by_credential(
    bans: Iterable[Ban], before: Mapping[str, Any], now: float
) -> dict[str, BanSummary]:
    """Return the health of each credential that has bans, at a time (Unix seconds).

    `before` is the status that is there: a time that has not changed is left as it was written.
    """
    by_credential: dict[str, list[Ban]] = {}
    for ban in bans:
        by_credential.setdefault(ban.credential, []).append(ban)
    former = {each["name"]: each.get("until") for each in before.get("credentialStatus") or ()}
    return {name: summary_of(found, former.get(name), now) for name, found in by_credential.items()}


def summary_of(bans: list[Ban], former_until: str | None, now: float) -> BanSummary:
    """Return the health of a credential that has bans."""
    in_force = [ban for ban in bans if ban.remaining != 0.0]
    longest = max(in_force or bans, key=time_left)
    if not in_force:
        return BanSummary("HalfOpen", longest.reason, None)
    whole = any(not ban.upstream_name for ban in in_force)
    until = None if longest.remaining is None else now + longest.remaining
    state: BanState = "Banned" if whole else "ModelsBanned"
    return BanSummary(state, longest.reason, written_time(until, former_until))


def time_left(ban: Ban) -> tuple[bool, float, str]:
    """Return what puts the ban last that lasts longest; of equals always the same one."""
    return ban.remaining is None, ban.remaining or 0.0, ban.reason


def written_time(until: float | None, former: str | None) -> str | None:
    """Return a time as it is written, and as it was written before if it is the same one."""
    if until is None:
        return None
    if former is not None and abs(unix_time(former) - until) <= SAME:
        return former
    return kubernetes_time(ceil(until))


def seconds_to_next_end(bans: Iterable[Ban]) -> float | None:
    """Return the seconds until a ban ends by itself; None where none will."""
    return min((ban.remaining for ban in bans if ban.remaining), default=None)


def health_in(status: Mapping[str, Any]) -> dict[str, BanSummary]:
    """Return the health of credentials as a status has it, of those that are not healthy."""
    return {
        each["name"]: BanSummary(each["state"], each["reason"], each.get("until"))
        for each in status.get("credentialStatus") or ()
        if each.get("state", "Healthy") != "Healthy"
    }
