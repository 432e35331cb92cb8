"""The state of the router as a whole, for people: ok, degraded or down, and why.

It says how it is with the models, as `/health`, `/vhealth` and the metric `airouter_state` tell.
Whether a pod gets requests is another question, which readiness answers: a pod whose providers are
all gone is no worse than its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airouter.config.snapshot import Backend, Credential, Model, Snapshot
    from airouter.config.store import Reload
    from airouter.routing.catalog import Load
    from airouter.routing.fail2ban import Bans

StateName = Literal["ok", "degraded", "down"]
WORST_FIRST: tuple[StateName, ...] = ("down", "degraded", "ok")
BackendState = Literal["serving", "resting", "banned", "unusable"]
SHOWN_NAMES = 3
LONG_REST = 2.0
"""Seconds of a rest after the third failure in a row: a shorter one says little."""


class Conditioned(Protocol):
    """The router, as its condition is read from it."""

    @property
    def snapshot(self) -> Snapshot | None: ...

    @property
    def reload(self) -> Reload: ...

    @property
    def stream(self) -> Mapping[str, Any] | None: ...

    @property
    def ledger(self) -> Mapping[str, Any] | None: ...

    @property
    def bans(self) -> Bans: ...

    @property
    def loads(self) -> Mapping[str, Load]: ...

    def unusable(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Reason:
    """A reason why the state is not ok."""

    state: StateName
    text: str
    """Names nothing that is configured."""
    names: str = ""
    """The models or credentials that it is about; empty where it is about none."""

    def told(self, *, names: bool) -> str:
        """Return the reason, with or without names."""
        return f"{self.text}: {self.names}" if names and self.names else self.text


@dataclass(frozen=True)
class RouterCondition:
    """The state of the router, and all reasons for it, the worst first."""

    state: StateName
    reasons: tuple[Reason, ...] = ()

    def told(self, *, names: bool) -> list[str]:
        """Return the reasons as text."""
        return [reason.told(names=names) for reason in self.reasons]


class BackendStates:
    """The states of the backends at one moment."""

    def __init__(self, router: Conditioned, now: float) -> None:
        """`now` is a time of `time.monotonic()`."""
        self._now = now
        self._unusable = router.unusable()
        self._loads = router.loads
        self._banned = {
            (ban.credential, ban.upstream_name)
            for ban in router.bans.known(now)
            if ban.remaining != 0.0
        }
        self._troubled = {
            *self._unusable,
            *(credential for credential, _ in self._banned),
            *(name for name, load in router.loads.items() if load.resting),
        }
        """The credentials of which not every backend may serve: most often few or none."""

    def of(self, backend: Backend) -> BackendState:
        """Return the state of a backend; one that is half open, or rests a moment, serves."""
        credential, name = backend.credential, backend.upstream_name
        if credential not in self._troubled:
            return "serving"
        if credential in self._unusable:
            return "unusable"
        if not self._banned.isdisjoint(((credential, ""), (credential, name))):
            return "banned"
        load = self._loads.get(credential)
        if load is not None and load.resting:
            rest = load.resting.get(name)
            if (
                rest is not None
                and rest.until > self._now
                and (rest.seconds >= LONG_REST or rest.asked_until > self._now)
            ):
                return "resting"
        return "serving"

    def holds_off(self, credential: str) -> bool:
        """Return whether a credential cannot be called for any model."""
        return credential in self._unusable or (credential, "") in self._banned

    def out_in(self, tier: Sequence[Backend]) -> tuple[str, ...]:
        """Return the credentials of a tier none of whose backends can answer now."""
        if not self._troubled:
            return ()
        serving = {each.credential for each in tier if self.of(each) == "serving"}
        return tuple(dict.fromkeys(b.credential for b in tier if b.credential not in serving))

    def first_tier(self, model: Model) -> int | None:
        """Return the place of the best tier that can answer for a model now; None without any."""
        if not self._troubled and model.tiers:
            return 0
        for place, tier in enumerate(model.tiers):
            for backend in tier:
                if self.of(backend) == "serving":
                    return place
        return None


def condition_of(router: Conditioned, now: float) -> RouterCondition:
    """Return the state of a router at a time of `time.monotonic()`."""
    snapshot = router.snapshot
    if snapshot is None:
        return RouterCondition("down", (Reason("down", "no valid configuration has come yet"),))
    states = BackendStates(router, now)
    reasons = sorted(
        [
            *reasons_of_models(snapshot.models, states),
            *reasons_of_credentials(snapshot.credentials, states),
            *reasons_of_configuration(router),
        ],
        key=lambda reason: WORST_FIRST.index(reason.state),
    )
    return RouterCondition(reasons[0].state if reasons else "ok", tuple(reasons))


def reasons_of_models(models: Sequence[Model], states: BackendStates) -> Iterator[Reason]:
    """Yield what is wrong with models."""
    if not models:
        yield Reason("degraded", "there is no model to ask for")
    tiers = {model.name: states.first_tier(model) for model in models}
    below = [name for name, tier in tiers.items() if tier]
    gone = [model for model in models if tiers[model.name] is None]
    helped = [m.name for m in gone if any(tiers.get(name) is not None for name in m.fallbacks)]
    unanswered = [model.name for model in gone if model.name not in helped]
    if unanswered:
        yield Reason("down", models_counted(unanswered, "out of reach"), some(unanswered))
    if helped:
        yield Reason("degraded", models_counted(helped, "left to fallbacks"), some(helped))
    if below:
        yield Reason("degraded", models_counted(below, "answered by a lower tier"), some(below))


def reasons_of_credentials(
    credentials: Sequence[Credential], states: BackendStates
) -> Iterator[Reason]:
    """Yield what is wrong with credentials as wholes."""
    out = [each.name for each in credentials if states.holds_off(each.name)]
    if out and len(out) == len(credentials):
        yield Reason("down", "no credential can be called")
    elif out:
        noun = "credential" if len(out) == 1 else "credentials"
        yield Reason("degraded", f"{len(out)} {noun} cannot be called", some(out))


def reasons_of_configuration(router: Conditioned) -> Iterator[Reason]:
    """Yield what makes the configuration another than the one that is wanted."""
    reload = router.reload
    if not reload.successful:
        yield Reason("degraded", "the newest configuration was refused, an older one is served")
    elif errors := sum(finding.severity == "error" for finding in reload.findings):
        noun = "error" if errors == 1 else "errors"
        yield Reason("degraded", f"the configuration has {errors} {noun}")
    if router.stream is not None and not router.stream.get("connected", True):
        yield Reason("degraded", "the operator cannot be reached: the configuration may be old")
    if router.ledger is not None and not router.ledger.get("connected", True):
        yield Reason("degraded", "the ledger of limits cannot be reached")


def models_counted(names: Sequence[str], rest: str) -> str:
    """Return a sentence about a number of models, whose verb is `is` or `are`."""
    return f"1 model is {rest}" if len(names) == 1 else f"{len(names)} models are {rest}"


def some(names: Iterable[str]) -> str:
    """Return a few names, and how many more there are."""
    listed = list(names)
    more = len(listed) - SHOWN_NAMES
    return ", ".join(listed[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")
