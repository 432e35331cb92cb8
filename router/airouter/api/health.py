"""The router's state, for machines and people.

`/health` is for liveness: 200 as long as the process can serve. `/vhealth` is for readiness: 200
only with a valid snapshot and not draining; a browser gets it as a page. Neither needs a key or
shows a secret; what is configured is named only where a setting wants that.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from airouter.condition import condition_of
from airouter.web.view import Viewed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.bans.notice import Ban
    from airouter.limits.shared_limits import SharedLimits


class State(Viewed, Protocol):
    """The router, as its health needs it."""

    @property
    def uptime(self) -> float: ...

    @property
    def shared_limits(self) -> SharedLimits: ...

    def in_flight(self) -> Mapping[str, int]: ...


@dataclass(frozen=True)
class BanHealth:
    """A ban of a credential."""

    model: str | None
    """The provider's name of the model that is banned; None for all of the credential."""
    reason: str
    """A status, an error's code, or connect_error, timeout, broken_reply, refused_key, by_hand."""
    count: int
    """Bans in a row."""
    until: str | None
    """RFC 3339, UTC; None for a ban that lasts until it is lifted."""
    half_open: bool
    """True for a ban that is over: one request tries whether there has to be another."""


@dataclass(frozen=True)
class CredentialHealth:
    """The health of a credential, without its secret."""

    name: str
    type: str
    in_flight: int
    error: str | None
    """The reason why it cannot be called, or None."""
    bans: list[BanHealth]


@dataclass(frozen=True)
class ModelHealth:
    """A model and the credentials that can answer for it, best first."""

    name: str
    backends: list[str]


@dataclass(frozen=True)
class Health:
    """The router's health."""

    status: str
    """ok, draining, or starting while there is no valid snapshot."""
    state: str
    """ok, degraded or down: how it is with the models and the configuration."""
    reasons: list[str]
    """Those of a state that is not ok, the worst first."""
    version: str
    uptime_seconds: int
    config: dict[str, Any]
    stream: Mapping[str, Any] | None
    """The state of the operator's stream; None without one."""
    ledger: Mapping[str, Any] | None
    """Whether the ledger of limits answers, and the share that is in force; None without one."""
    credentials: list[CredentialHealth]
    """Empty where no names are shown, as are the models."""
    models: list[ModelHealth]

    @property
    def ready(self) -> bool:
        return self.status == "ok"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def health_of(state: State) -> Health:
    """Return the router's health now."""
    named = state.snapshot if state.health_names else None
    in_flight, now = state.in_flight(), monotonic()
    unusable, bans = state.unusable(), state.bans.known(now)
    condition = condition_of(state, now)
    return Health(
        status=serving_status(state),
        state=condition.state,
        reasons=condition.told(names=state.health_names),
        version=state.version,
        uptime_seconds=int(state.uptime),
        config=state.reload.as_json(names=state.health_names),
        stream=state.stream,
        ledger=state.ledger,
        credentials=[
            CredentialHealth(
                c.name,
                c.type,
                in_flight.get(c.name, 0),
                unusable.get(c.name),
                [ban_health(ban) for ban in bans if ban.credential == c.name],
            )
            for c in (named.credentials if named else ())
        ],
        models=[
            ModelHealth(m.name, [b.credential for tier in m.tiers for b in tier])
            for m in (named.models if named else ())
        ],
    )


def ban_health(ban: Ban) -> BanHealth:
    """Return a ban as people read it."""
    until = None
    if ban.remaining is not None:
        end = datetime.now(UTC) + timedelta(seconds=ban.remaining)
        until = end.isoformat(timespec="seconds").replace("+00:00", "Z")
    return BanHealth(
        ban.upstream_name or None, ban.reason, ban.count, until, half_open=ban.remaining == 0.0
    )


def serving_status(state: State) -> str:
    """Return ok, draining or starting."""
    if state.draining:
        return "draining"
    return "starting" if state.snapshot is None else "ok"
