"""The credentials as cards: what each does now, how full it is, and how it failed last."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from airouter.bans.notice import BY_HAND
from airouter.bookkeeping.window import step_of
from airouter.costs import PICODOLLARS
from airouter.web import wording
from airouter.web.board import PagePart
from airouter.web.rows import CredentialCard, LimitUse, Moment, bars_of, uses_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.bans.notice import Ban
    from airouter.config.snapshot import Credential
    from airouter.routing.catalog import Load
    from airouter.telemetry.history import FailureSeen, Recent, RequestTally
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


SERVING = CardState("serving", "ok")


def card_level(state: CardState) -> str:
    """Return how bad a state is: ok, warn or bad."""
    return state.level


class CardFacts(NamedTuple):
    """The facts that a card is made of."""

    id: str
    credential: Credential
    found: CardState
    uses: tuple[LimitUse, ...]
    in_flight: int
    tally: RequestTally | None
    failure: FailureSeen | None
    spent: int | None
    """Picodollars of today."""
    epoch: float
    """The Unix time at the monotonic clock's zero."""


class CardReader:
    """Reads what the cards of credentials are made of, all at one moment."""

    def __init__(self, router: Viewed, recent: Recent, epoch: float) -> None:
        """`epoch` is the Unix time at the monotonic clock's zero."""
        self._router, self._epoch, self._now = router, epoch, monotonic()
        self._step = step_of(self._now)
        self._loads, self._unusable = router.loads, router.unusable()
        self._tallies = recent.by_credential
        self._spent = router.history.spent_today()
        self._bans: dict[str, list[Ban]] = {}
        for ban in router.bans.known(self._now):
            self._bans.setdefault(ban.credential, []).append(ban)

    def state(self, credential: Credential) -> CardState:
        """Return what a credential does."""
        name = credential.name
        return card_state(
            credential,
            self._unusable.get(name),
            self._bans.get(name, ()),
            self._loads.get(name),
            self._now,
            self._epoch,
        )

    def part(self, place: int, credential: Credential, state: CardState) -> PagePart:
        """Return the card of the credential at a place of the configuration."""
        name = credential.name
        load = self._loads.get(name)
        facts = CardFacts(
            f"credential-{place}",
            credential,
            state,
            uses_of(self._router.limits_of("credential", name), self._step),
            0 if load is None else load.in_flight,
            self._tallies.get(name),
            self._router.history.failures.get(name),
            self._spent.get(name),
            self._epoch,
        )
        return PagePart(facts.id, "card", facts, card_of)


def card_of(facts: CardFacts) -> CredentialCard:
    """Return the card of a credential."""
    found, tally, failure, spent = facts.found, facts.tally, facts.failure, facts.spent
    return CredentialCard(
        id=facts.id,
        name=facts.credential.name,
        kind=kind_of(facts.credential),
        state=found.state,
        level=found.level,
        until=found.until,
        reasons=found.reasons,
        bars=bars_of(facts.uses),
        in_flight=facts.in_flight,
        p95=wording.span_of(None if tally is None else tally.wait(0.95)),
        spent="" if spent is None else wording.dollars(spent / PICODOLLARS),
        failure="" if failure is None else failure.what,
        failed_at=None if failure is None else moment_at(facts.epoch + failure.at),
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
    return banned_state(bans, now, epoch) if bans else resting_state(load, now, epoch)


def banned_state(bans: Sequence[Ban], now: float, epoch: float) -> CardState:
    """Return what a credential does that has bans."""
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
        until = moment_at(epoch + now + longest, ahead=True)
        if all(ban.upstream_name for ban in held):
            return CardState("partly banned", "warn", until, reasons)
        return CardState("banned", "bad", until, reasons)
    return CardState("trying again", "warn", reasons=tuple(map(ban_line, bans[:SHOWN_BANS])))


def resting_state(load: Load | None, now: float, epoch: float) -> CardState:
    """Return what a credential does that has no bans."""
    if load is None or not load.resting:
        return SERVING
    resting = load.resting
    ends = max(rest.until for rest in resting.values())
    if ends <= now:
        return SERVING
    names = ", ".join(sorted(resting)[:SHOWN_BANS])
    until = moment_at(epoch + ends, ahead=True)
    return CardState("resting", "warn", until, (f"{names}: failed last",))


def ban_line(ban: Ban) -> str:
    """Return a ban in words: `gpt-4o: 429, 2 bans in a row`."""
    whose = f"{ban.upstream_name}: " if ban.upstream_name else ""
    count = f", {ban.count} bans in a row" if ban.count > 1 else ""
    return f"{whose}{ban.reason}{count}"


def moment_at(at: float, *, ahead: bool = False) -> Moment:
    """Return a moment to the half second, so that it compares equal when it is read again."""
    return Moment(round(at * 2) / 2, ahead)
