"""Bans of backends that keep failing, as `spec.resilience.fail2ban` declares them.

A ban is for one model of a credential, or for all of it. When it is over, the backend is half open:
one request tries it, whose answer ends the ban and whose failure is a ban twice as long. Whoever
asks has nothing to pay while nobody fails: `Bans.standings` is empty then.

Replicas decide by themselves, each tries a backend again by itself, and `sharing/` has them
tell each other of bans that begin or end: `Bans.tell` is called here, `Bans.hear` by it.
"""

from __future__ import annotations

import logging
from math import inf
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from airouter.bans.notice import BY_HAND, Ban
from airouter.routing.ban_policy import BanPolicy
from airouter.routing.marks import mark_of
from airouter.routing.outcome import REFUSED_KEY
from airouter.routing.recent import RecentCount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.config.snapshot import BanThreshold, Credential, Snapshot
    from airouter.routing.catalog import Backend
    from airouter.routing.outcome import AttemptOutcome

T = TypeVar("T")

Key = tuple[str, str]
"""A credential, and the provider's name of a model; empty for all models of the credential."""

logger = logging.getLogger("airouter.bans")

REPLACED_KEY = "replaced_key"
"""The reason by which replicas are told of the end of a ban since a refused key."""
PROBE = 30.0
"""Seconds that the one request has which tries a backend; then another one may."""
MOST = 10_000
"""Backends whose bans are learnt from others."""


class Tell(Protocol):
    """Tells other replicas of a ban that began here, or ended before its time."""

    def __call__(self, ban: Ban, *, ended: bool = False) -> None: ...


def tell_nobody(ban: Ban, *, ended: bool = False) -> None:
    """Keep a ban to this replica."""


class Standing(msgspec.Struct):
    """The failures of a backend and its ban; times are on the clock of `time.monotonic()`."""

    failures: dict[str, RecentCount] = {}
    """By the rule that they count for."""
    until: float = 0.0
    seconds: float = 0.0
    """The length of the last ban."""
    count: int = 0
    """Bans in a row; 0 without any."""
    reason: str = ""
    probed_until: float = 0.0
    """The time until which no other request tries the backend; 0.0 where none has."""
    by_hand_until: float = 0.0
    refused: str = ""
    """The mark of a refused key, from its ban until an answer, whatever it was banned for since;
    empty where no key was refused."""

    def holds(self, now: float) -> bool:
        """Return whether nobody is to ask the backend now."""
        return max(self.until, self.probed_until, self.by_hand_until) > now

    def begin(self, now: float, seconds: float, reason: str, mark: str) -> None:
        """Ban the backend, which is called with the key of a mark; once more if it was banned."""
        self.until, self.seconds, self.reason = now + seconds, seconds, reason
        if reason == REFUSED_KEY:
            self.refused = mark
        self.count += 1
        self.probed_until = 0.0
        self.failures.clear()

    def forgive(self) -> None:
        """Forget all but a ban by hand."""
        self.until = self.probed_until = self.seconds = 0.0
        self.refused = ""
        self.count = 0
        self.failures.clear()

    def bans(self, key: Key, now: float) -> Iterator[Ban]:
        """Yield the bans of a backend, also one that is half open."""
        if self.count:
            remaining = max(self.until - now, 0.0)
            yield Ban(*key, self.reason, self.seconds, remaining, self.count, self.refused)
        if self.by_hand_until > now:
            left = None if self.by_hand_until == inf else self.by_hand_until - now
            yield Ban(*key, BY_HAND, left, left, 1)


class Bans:
    """The bans of one process, as long as it lives."""

    def __init__(self) -> None:
        self.standings: dict[Key, Standing] = {}
        """Those of backends that failed last; the same dictionary as long as this lives."""
        self.begun: dict[tuple[str, str], int] = {}
        """Credential and reason to the number of bans so far."""
        self.tell: Tell = tell_nobody
        self._credentials: dict[str, Credential] = {}
        self._marks: dict[str, str] = {}
        self._policies: dict[str, BanPolicy] = {}

    # Asked on the way of a request.

    def holds(self, backend: Backend[T], now: float) -> bool:
        """Return whether a backend is banned now, or tried by another request."""
        return any(each.holds(now) for _, each in self._standings_of(backend))

    def ends(self, backend: Backend[T], now: float) -> float:
        """Return when a ban ends; infinity for one by hand, which no request may pass by."""
        found = [each for _, each in self._standings_of(backend)]
        if any(each.by_hand_until > now for each in found):
            return inf
        return max((each.until for each in found), default=0.0)

    def probe(self, backend: Backend[T], now: float) -> None:
        """Have a request try a backend that is or was banned, and no other one beside it."""
        for _, standing in self._standings_of(backend):
            if standing.count:
                standing.probed_until = now + PROBE

    def note(self, backend: Backend[T], outcome: AttemptOutcome, now: float) -> Ban | None:
        """Take an attempt at a backend into account; returns the ban that it led to."""
        policy = self._policies.get(backend.credential)
        found = None if policy is None else policy.threshold_for(outcome)
        if policy is not None and found is not None:
            key = backend.credential, "" if policy.whole_credential else backend.upstream_name
            return self._fail(key, policy, found, outcome, now)
        for key, standing in list(self._standings_of(backend)):
            if outcome.failure is None and not (outcome.status or outcome.kind):
                self._recover(key, standing, now)
            else:
                standing.probed_until = 0.0  # it told nothing, so another request may try
        return None

    def _standings_of(self, backend: Backend[T]) -> Iterator[tuple[Key, Standing]]:
        for key in ((backend.credential, ""), (backend.credential, backend.upstream_name)):
            standing = self.standings.get(key)
            if standing is not None:
                yield key, standing

    def _fail(
        self,
        key: Key,
        policy: BanPolicy,
        found: tuple[str, BanThreshold],
        outcome: AttemptOutcome,
        now: float,
    ) -> Ban | None:
        """Count a failure; returns the ban that it led to."""
        standing = self.standings.setdefault(key, Standing())
        rule, threshold = found
        if standing.until > now:
            return None  # of a request that was sent before, or although all were banned
        seconds = threshold.ban_duration
        if standing.count:
            seconds = max(seconds, min(2 * standing.seconds, policy.longest))
        else:
            recent = standing.failures.setdefault(rule, RecentCount())
            if recent.add(now, policy.window) < threshold.max_attempts:
                return None
        code = outcome.failure.code if outcome.failure else None
        reason = outcome.kind or (rule if rule == code else str(outcome.status))
        standing.begin(now, seconds, reason, self._marks[key[0]])
        ban = Ban(*key, reason, seconds, seconds, standing.count, standing.refused)
        return self._announce(ban)

    def _recover(self, key: Key, standing: Standing, now: float) -> None:
        """End a ban, and forget failures, as the backend has answered."""
        if standing.until > now and not standing.probed_until:
            return  # to a request that was sent before
        if standing.count:
            logger.info("%s answers again: its ban has ended", told(key))
        self._forgive(key, standing, now)

    def _forgive(self, key: Key, standing: Standing, now: float, why: str = "") -> None:
        """End a ban before its time, for all replicas; one by hand goes on."""
        if standing.count:
            self._tell_end(key, standing, why)
        self._forget(key, standing, now)

    def _tell_end(self, key: Key, standing: Standing, why: str = "") -> None:
        reason = why or standing.reason
        self.tell(Ban(*key, reason, 0.0, 0.0, 0, standing.refused), ended=True)

    def _forget(self, key: Key, standing: Standing, now: float) -> None:
        standing.forgive()
        if standing.by_hand_until <= now:
            del self.standings[key]

    def _drop(self, key: Key) -> None:
        """Forget all of a backend, and end its bans for all replicas."""
        standing = self.standings.pop(key)
        if standing.count:
            self._tell_end(key, standing)
        if standing.by_hand_until:
            self.tell(Ban(*key, BY_HAND, 0.0, 0.0, 0), ended=True)

    def _announce(self, ban: Ban) -> Ban:
        """Log and count a ban that began here."""
        length = "until it is lifted" if ban.seconds is None else f"for {ban.seconds:g} s"
        whose = told((ban.credential, ban.upstream_name))
        logger.warning("%s is banned %s: %s", whose, length, ban.reason)
        counted = ban.credential, ban.reason
        self.begun[counted] = self.begun.get(counted, 0) + 1
        self.tell(ban)
        return ban

    # Asked by people and by the rest of the process.

    def known(self, now: float) -> list[Ban]:
        """Return the bans there are, those that are half open too."""
        return [ban for key, standing in self.standings.items() for ban in standing.bans(key, now)]

    def in_force(self, now: float) -> dict[str, int]:
        """Return the number of bans in force by credential, 0 for those without."""
        counts = dict.fromkeys(self._credentials, 0)
        for ban in self.known(now):
            if ban.remaining != 0.0:
                counts[ban.credential] += 1
        return counts

    def refused_keys(self) -> set[str]:
        """Return the credentials whose key was refused and did not serve since."""
        return {key[0] for key, each in self.standings.items() if each.refused}

    def ban(self, credential: str, seconds: float | None, now: float) -> Ban:
        """Ban a credential by hand, for some seconds or until it is lifted.

        Raises `KeyError` for one that there is not.
        """
        if credential not in self._credentials:
            raise KeyError(credential)
        standing = self.standings.setdefault((credential, ""), Standing())
        standing.by_hand_until = inf if seconds is None else now + seconds
        return self._announce(Ban(credential, "", BY_HAND, seconds, seconds, 1))

    def lift(self, credential: str) -> None:
        """End all bans of a credential, for all replicas, and forget its failures here.

        Raises `KeyError` for one that there is not.
        """
        if credential not in self._credentials:
            raise KeyError(credential)
        for key in [each for each in self.standings if each[0] == credential]:
            self._drop(key)
        # Where another replica banned it by hand, it may not be known here yet.
        self.tell(Ban(credential, "", BY_HAND, 0.0, 0.0, 0), ended=True)
        logger.info("credential %s: its bans are lifted", credential)

    def hear(self, ban: Ban, now: float, *, ended: bool) -> None:
        """Take in that another replica began a ban, or ended one, unless it is of another key.

        A ban of a key that is replaced there goes on here until this replica has the new one.
        """
        if ban.refused and ban.refused != self._marks.get(ban.credential):
            return
        if ban.reason == REPLACED_KEY:
            return
        if ended:
            self._hear_end(ban, now)
        else:
            self.learn(ban, now)

    def _hear_end(self, ban: Ban, now: float) -> None:
        key = ban.credential, ban.upstream_name
        standing = self.standings.get(key)
        if standing is None:
            return
        if not ban.is_by_hand:
            self._forget(key, standing, now)
            return
        standing.by_hand_until = 0.0
        if not standing.count:
            del self.standings[key]

    def learn(self, ban: Ban, now: float) -> None:
        """Keep a ban that another replica told of, unless this one has a longer one."""
        key, by_hand = (ban.credential, ban.upstream_name), ban.is_by_hand
        if ban.credential not in (self._credentials if by_hand else self._policies):
            return
        if key not in self.standings and len(self.standings) >= MOST:
            return
        standing = self.standings.setdefault(key, Standing())
        remaining = inf if ban.remaining is None else ban.remaining
        if by_hand:
            standing.by_hand_until = max(standing.by_hand_until, now + remaining)
        elif now + remaining > standing.until:
            count = max(standing.count, ban.count)
            standing.begin(now, remaining, ban.reason, self._marks[ban.credential])
            standing.seconds, standing.count = ban.seconds or remaining, count

    def reload(self, snapshot: Snapshot, now: float) -> None:
        """Follow a new snapshot, and keep all bans but those that it makes void.

        Void are bans of backends that it does not have, of credentials that are called elsewhere or
        have no bans any more, and those since a refused key where there is another one.
        """
        former = self._credentials
        self._credentials = {each.name: each for each in snapshot.credentials}
        self._marks = {each.name: mark_of(each) for each in snapshot.credentials}
        shared = None if snapshot.fail2ban is None else BanPolicy(snapshot.fail2ban)
        policies = {
            each.name: shared if each.fail2ban is None else BanPolicy(each.fail2ban)
            for each in snapshot.credentials
        }
        self._policies = {name: each for name, each in policies.items() if each is not None}
        self.begun = {key: n for key, n in self.begun.items() if key[0] in self._credentials}
        declared = backends_of(snapshot) if self.standings else frozenset()
        for key, standing in list(self.standings.items()):
            if key not in declared:
                self._drop(key)
            elif self._is_void(former.get(key[0]), self._credentials[key[0]], standing):
                self._forgive(key, standing, now, REPLACED_KEY if standing.refused else "")

    def _is_void(self, former: Credential | None, now: Credential, standing: Standing) -> bool:
        """Return whether what is known of a credential says nothing of it any more."""
        if former is None or now.name not in self._policies:
            return True
        if (former.type, former.base_url) != (now.type, now.base_url):
            return True
        return bool(standing.refused) and standing.refused != self._marks[now.name]


def backends_of(snapshot: Snapshot) -> frozenset[Key]:
    """Return the backends that a snapshot has, and its credentials as wholes."""
    tiers = (tier for model in snapshot.models for tier in model.tiers)
    backends = {(each.credential, each.upstream_name) for tier in tiers for each in tier}
    return frozenset(backends | {(each.name, "") for each in snapshot.credentials})


def told(key: Key) -> str:
    """Return a backend as logs name it."""
    credential, upstream_name = key
    return f"credential {credential}" + (f", model {upstream_name}," if upstream_name else "")
