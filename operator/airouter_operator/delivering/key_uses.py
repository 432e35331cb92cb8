"""The use of RouterKeys as pods tell it, until it is in their status.

The status of a RouterKey is the sum, so an operator that starts knows all that was written; here is
only what came since. A busy key's status is written every ten seconds, and those of all keys no
faster than the API server and its watchers take them: then each is written less often, and nothing
is lost. What is being written is here until it is known to be there, so that it counts once,
whatever becomes of the answer to a write (`counted_reports.py`).
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

from airouter_operator.delivering.counted_reports import counts_all, with_reports
from airouter_operator.kube.objects import ObjectKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airouter.bookkeeping.key_use import KeyUse, UseReport

EVERY = 10.0
"""Seconds between two statuses of one key, as far as its use makes them due."""
TICK = 1.0
MOST_AT_ONCE = 50
"""Statuses that become due in one tick."""
LARGEST = 2**53
"""Of a number that a status has room for, however many are added."""
MOST_PODS = 20_000
"""Pods whose last report is remembered."""


class NewUse(NamedTuple):
    """The use of a key since its status was written."""

    requests: int
    tokens: int
    nanodollars: int
    last_used: float
    """Unix seconds."""
    spent: dict[str, int] | None
    """As in `KeyUse`."""
    exhausted: str | None
    """As in `KeyUse`."""
    reports: Mapping[str, int]
    """The last report of each process that counts here, but for those that told of no request."""

    def with_later(self, later: NewUse) -> NewUse:
        """Return both together."""
        known = later.spent if later.spent or not self.spent else self.spent
        return NewUse(
            self.requests + later.requests,
            self.tokens + later.tokens,
            self.nanodollars + later.nanodollars,
            max(self.last_used, later.last_used),
            None if later.spent is None else known,
            self.exhausted if later.exhausted is None else later.exhausted,
            with_reports(self.reports, later.reports),
        )


class KeyUses:
    """The use of all keys that is new."""

    def __init__(
        self,
        router_of: Callable[[ObjectKey], ObjectKey | None],
        counted_of: Callable[[ObjectKey], Mapping[str, int]],
        add: Callable[[ObjectKey], None],
        every: float = EVERY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`add` has a RouterKey reconciled; `router_of` one is the RouterConfig that it is for.

        `counted_of` one is the last report of each process that its status counts. A status is due
        `every` so many seconds; `clock` returns Unix seconds.
        """
        self._router_of = router_of
        self._counted_of = counted_of
        self._add = add
        self._every = every
        self._clock = clock
        self._new: dict[ObjectKey, NewUse] = {}
        """What came since, of the longest known key first."""
        self._written: dict[ObjectKey, NewUse] = {}
        """What is being written, or was, as far as anybody knows."""
        self._due: set[ObjectKey] = set()
        """Keys whose status is to say what is new."""
        self._rest: dict[ObjectKey, float] = {}
        """The times, of the event loop, before which their status is not due again."""
        self._heard: dict[tuple[ObjectKey, str], tuple[str, int]] = {}
        """Process and number of the last report of each pod, the latest of all last."""
        self._timer: asyncio.TimerHandle | None = None
        self.has_ended = False
        """Whether nothing more is to be taken in: nobody would write it."""

    def take(self, config: ObjectKey, report: UseReport) -> None:
        """Take in what a pod of a RouterConfig tells of its keys, unless that was heard before."""
        pod = config, report.pod
        process, number = self._heard.pop(pod, ("", 0))
        is_news = process != report.process or number < report.number
        self._heard[pod] = (report.process, report.number) if is_news else (process, number)
        if len(self._heard) > MOST_PODS:
            del self._heard[next(iter(self._heard))]
        if not is_news:
            return
        now = self._clock()
        is_met = process == report.process
        for use in report.uses:
            key = key_named(use.name)
            # Of a process that is new here another operator may have heard the report.
            if self._router_of(key) == config and (is_met or not self._counts(key, report)):
                self._put(key, new_use(use, report, now))

    def is_in_doubt(self, key: ObjectKey) -> bool:
        """Return whether a status was written, or was to be, and nobody knows what came of it."""
        return key in self._written

    def begin(self, key: ObjectKey, counted: Mapping[str, int]) -> NewUse | None:
        """Return what the status of a key is to say now, until it is `done`.

        `counted` is the last report of each process that the status counts; after a write that is
        in doubt as the API server has it.
        """
        if key not in self._due:
            return None
        written = self._written.pop(key, None)
        if written is None or counts_all(counted, written.reports):
            written = self._new.pop(key, None)
        if written is None:
            self._due.discard(key)
        else:
            self._written[key] = written
        return written

    def done(self, key: ObjectKey) -> None:
        """Take note that the status of a key says all that `begin` has returned."""
        self._written.pop(key, None)
        self._due.discard(key)

    def forget(self, key: ObjectKey) -> None:
        """Forget a key that is gone, or not ours."""
        self._new.pop(key, None)
        self._written.pop(key, None)
        self._rest.pop(key, None)
        self._due.discard(key)

    def forget_all(self) -> None:
        """Forget everything: another replica leads, or led."""
        for kept in (self._new, self._written, self._rest, self._heard):
            kept.clear()
        self._due.clear()

    def end(self) -> list[ObjectKey]:
        """Have the status of every key say what is new; return these keys."""
        self.has_ended = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        keys = [*self._written, *(key for key in self._new if key not in self._written)]
        self._due.update(keys)
        return keys

    def _counts(self, key: ObjectKey, report: UseReport) -> bool:
        """Return whether the status of a key counts a report already."""
        return self._counted_of(key).get(report.process, 0) >= report.number

    def _put(self, key: ObjectKey, use: NewUse) -> None:
        known = self._new.get(key)
        self._new[key] = use if known is None else known.with_later(use)
        if self._timer is None and not self.has_ended:
            self._timer = asyncio.get_running_loop().call_later(0.0, self._tick)

    def _tick(self) -> None:
        """Have those keys reconciled that were not for a while."""
        loop = asyncio.get_running_loop()
        now, self._timer = loop.time(), None
        self._rest = {key: until for key, until in self._rest.items() if until > now}
        room = MOST_AT_ONCE
        for key in self._new:
            if not room:
                break
            if key not in self._rest:
                room -= 1
                self._rest[key] = now + self._every
                self._due.add(key)
                self._add(key)
        if self._new:
            self._timer = loop.call_later(TICK, self._tick)


def new_use(use: KeyUse, report: UseReport, now: float) -> NewUse:
    """Return what a pod tells of a key in a report, at a time (Unix seconds)."""
    spent = use.spent and {name: bounded(amount) for name, amount in use.spent.items()}
    requests, tokens, nanodollars = map(bounded, (use.requests, use.tokens, use.nanodollars))
    counts = requests or tokens or nanodollars
    return NewUse(
        requests,
        tokens,
        nanodollars,
        max(0.0, now - bounded(use.age)),
        spent,
        use.exhausted,
        {report.process: report.number} if counts else {},
    )


def bounded(number: int) -> int:
    """Return a number that a pod tells as a status has room for it: the API server refuses others.

    A status that is refused would be written again and again, and never say anything more.
    """
    return min(max(0, number), LARGEST)


def key_named(name: str) -> ObjectKey:
    """Return the RouterKey of a name, `namespace/name`."""
    return ObjectKey(*name.partition("/")[::2])
