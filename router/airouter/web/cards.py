"""The credentials as cards: what each does now, how full it is, and how it failed last."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from airouter.bans.notice import BY_HAND
from airouter.bookkeeping.window import step_of
from airouter.costs import PICODOLLARS
from airouter.web import wording
from airouter.web.rows import CredentialCard, Moment, bars_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airouter.bans.notice import Ban
    from airouter.config.snapshot import Credential
    from airouter.routing.catalog import Load
    from airouter.web.view import Viewed

CLOUDS = frozenset(("Bedrock", "VertexAI"))
"""Types whose requests are signed by an identity."""
SHOWN_BANS = 3


class CardState(NamedTuple):
    """The state of a credential now."""

    state: str
    level: str
    until: Moment | None = None
    reasons: tuple[str, ...] = ()


def cards_of(
    router: Viewed, credentials: Sequence[Credential], epoch: float
) -> Iterator[CredentialCard]:
    """Yield a card for each credential; `epoch` is the Unix time at the monotonic clock's zero."""
    now, history = monotonic(), router.history
    step, loads, unusable = step_of(now), router.loads, router.unusable()
    by_credential, spent = history.recent().by_credential, history.spent_today()
    bans: dict[str, list[Ban]] = {}
    for ban in router.bans.known(now):
        bans.setdefault(ban.credential, []).append(ban)
    for place, credential in enumerate(credentials):
        name = credential.name
        load, tally = loads.get(name), by_credential.get(name)
        failure = history.failures.get(name)
        found = card_state(credential, unusable.get(name), bans.get(name, []), load, now, epoch)
        money = spent.get(name)
        yield CredentialCard(
            id=f"credential-{place}",
            name=name,
            kind=kind_of(credential),
            state=found.state,
            level=found.level,
            until=found.until,
            reasons=found.reasons,
            bars=bars_of(router.limits_of("credential", name), step),
            in_flight=load.in_flight if load is not None else 0,
            p95=wording.span_of(None if tally is None else tally.wait(0.95)),
            spent="" if money is None else wording.dollars(money / PICODOLLARS),
            failure="" if failure is None else failure.what,
            failed_at=None if failure is None else moment_at(epoch + failure.at),
        )


def kind_of(credential: Credential) -> str:
    """Return the type of a credential, and the number of pods that answer for it if known."""
    if credential.addresses is None:
        return credential.type
    count = len(credential.addresses)
    return f"{credential.type}, {count} pod" + ("" if count == 1 else "s")


def card_state(
    credential: Credential,
    error: str | None,
    bans: Sequence[Ban],
    load: Load | None,
    now: float,
    epoch: float,
) -> CardState:
    """Return what a credential does now, the worst of it first."""
    if error is not None:
        return CardState(
            "no identity" if credential.type in CLOUDS else "invalid", "bad", reasons=(error,)
        )
    if any(ban.reason == BY_HAND for ban in bans):
        ban = next(each for each in bans if each.reason == BY_HAND)
        until = (
            None if ban.remaining is None else moment_at(epoch + now + ban.remaining, ahead=True)
        )
        reason = "banned by hand" if until else "banned by hand until that is lifted"
        return CardState("suspended", "bad", until, (reason,))
    held = [ban for ban in bans if ban.remaining]
    if held:
        longest = max(ban.remaining or 0.0 for ban in held)
        reasons = tuple(ban_line(ban) for ban in held[:SHOWN_BANS])
        if len(held) > SHOWN_BANS:
            reasons += (f"and {len(held) - SHOWN_BANS} more",)
        state = "banned" if any(not ban.upstream_name for ban in held) else "partly banned"
        return CardState(state, "bad", moment_at(epoch + now + longest, ahead=True), reasons)
    if bans:
        return CardState("trying again", "warn", reasons=tuple(map(ban_line, bans[:SHOWN_BANS])))
    resting = {} if load is None else load.resting
    ends = max((rest.until for rest in resting.values()), default=0.0)
    if ends > now:
        names = ", ".join(sorted(resting)[:SHOWN_BANS])
        until = moment_at(epoch + ends, ahead=True)
        return CardState("resting", "warn", until, (f"{names}: failed last",))
    return CardState("serving", "ok")


def ban_line(ban: Ban) -> str:
    """Return a ban in words: `gpt-4o: 429, 2 bans in a row`."""
    whose = f"{ban.upstream_name}: " if ban.upstream_name else ""
    count = f", {ban.count} bans in a row" if ban.count > 1 else ""
    return f"{whose}{ban.reason}{count}"


def moment_at(at: float, *, ahead: bool = False) -> Moment:
    """Return a moment to the half second, so that it compares equal when it is read again."""
    return Moment(round(at * 2) / 2, ahead)
