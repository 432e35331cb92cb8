"""The values that the page shows of credentials, models, clients and requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from airouter.web import wording

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.config.snapshot import Limits
    from airouter.limits.scope import Scope


class LimitUse(NamedTuple):
    """The use of a limit in the last minute, or of a budget in its period."""

    label: str
    used: int
    limit: int

    @property
    def share(self) -> int:
        """Percent, up to 100."""
        return min(100, round(100 * self.used / self.limit)) if self.limit else 100


@dataclass(frozen=True)
class LimitBar:
    """The use of a limit in the last minute, or of a budget in its period."""

    label: str
    used: str
    limit: str
    share: int
    """Percent, up to 100."""


@dataclass(frozen=True)
class Moment:
    """A time that the script writes as a distance from now."""

    at: float
    """Unix seconds."""
    is_ahead: bool = False

    @property
    def iso(self) -> str:
        return wording.iso_time(self.at)


@dataclass(frozen=True)
class CredentialCard:
    """A credential and how it does."""

    id: str
    name: str
    kind: str
    state: str
    level: str
    """ok, warn or bad."""
    until: Moment | None
    reasons: tuple[str, ...]
    bars: tuple[LimitBar, ...]
    in_flight: int
    p95: str
    spent: str
    failure: str
    failed_at: Moment | None


@dataclass(frozen=True)
class TierMark:
    """A tier of a model: the credentials in it, and what it does now."""

    names: tuple[tuple[str, bool], ...]
    """Each with whether it can answer."""
    state: str
    """serving, standby or exhausted."""


@dataclass(frozen=True)
class ModelRow:
    """A model and how it does."""

    id: str
    name: str
    level: str
    tiers: tuple[TierMark, ...]
    fallbacks: str
    rate: float
    errors: str
    error_share: float
    p95: str
    wait: float
    cost: float
    rate_text: str = field(default="", compare=False)
    cost_text: str = field(default="", compare=False)


@dataclass(frozen=True)
class ClientRow:
    """A client and its use of its limits and budgets."""

    id: str
    name: str
    bars: tuple[LimitBar, ...]
    fullest: int
    """Percent of the limit that it is nearest to."""


@dataclass(frozen=True)
class RequestRow:
    """A request that is over."""

    id: str
    at: Moment
    model: str
    answered_by: str
    client: str
    attempts: int
    status: int
    error: str
    first_token: str
    first_token_seconds: float
    """By this and the next it is sorted; -1 where there is nothing."""
    total: str
    seconds: float
    tokens: str
    token_count: int
    cost: str
    dollars: float


@dataclass(frozen=True)
class HeadLine:
    """The state in a word, and what is served since when."""

    state: str
    level: str
    status: str
    version: str
    pod: str
    config: str
    loaded_at: Moment | None


@dataclass(frozen=True)
class CountText:
    """The number of something, beside its heading."""

    id: str
    text: str


@dataclass(frozen=True)
class ReasonLine:
    """The sentence that says how it is."""

    level: str
    text: str
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class ConfigurationFacts:
    """The configuration, and what was found in it."""

    source: str
    is_loaded: bool
    error: str
    offered_at: Moment | None
    findings: tuple[tuple[str, str], ...]
    """Severity and text."""
    facts: tuple[tuple[str, str], ...]
    """Of the operator's stream and the ledger of limits."""


def uses_of(scope: Scope | None, step: int) -> tuple[LimitUse, ...]:
    """Return the use of a scope's limits; nothing where it has none."""
    if scope is None:
        return ()
    return tuple(
        LimitUse(label, max(0, count.limit - count.room(step)), count.limit)
        for label, count in (("rpm", scope.requests), ("tpm", scope.tokens))
        if count is not None
    )


def unused(limits: Limits) -> tuple[LimitUse, ...]:
    """Return limits that nobody has used yet."""
    return tuple(
        LimitUse(label, 0, limit)
        for label, limit in (("rpm", limits.rpm), ("tpm", limits.tpm))
        if limit is not None
    )


def bars_of(
    uses: tuple[LimitUse, ...], write: Callable[[float], str] = wording.amount
) -> tuple[LimitBar, ...]:
    """Return limits as bars; `write` returns an amount as text."""
    return tuple(LimitBar(use.label, write(use.used), write(use.limit), use.share) for use in uses)
