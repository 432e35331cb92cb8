"""The reporter: tells the operator every few seconds which keys were used, and for what.

A report that is not answered is told again as it is, and what happens meanwhile goes into the next
one. So nothing is lost while no operator answers, and nothing counts twice.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from http.client import BAD_REQUEST, NO_CONTENT, REQUEST_ENTITY_TOO_LARGE
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from airouter.bookkeeping.key_use import MOST_KEYS_TOLD, KeyUse, UseReport
from airouter.config.delivery import USE_PATH
from airouter.http.following import FollowingConnection
from airouter.http.kept import NoAnswer
from airouter.limits.budgets.budget_state import state_of
from airouter.reporting.key_counts import KeyCount, count_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from airouter.config.delivery import Stream
    from airouter.config.snapshot import Snapshot
    from airouter.limits.budgets.budget_scope import BudgetScope
    from airouter.limits.shared_limits import SharedLimits
    from airouter.telemetry.record import RequestRecord

logger = logging.getLogger("airouter.reporting")

EVERY = 5.0
"""Seconds between two reports."""
PATIENCE = 2.0
"""Seconds for an answer."""
MOST_ANSWER = 1024
UNREADABLE = frozenset((BAD_REQUEST, REQUEST_ENTITY_TOO_LARGE))
"""Statuses of an operator that will never take a report."""


class KeyUseReporter:
    """Counts as a consumer of records, and reports. Lives as long as the process."""

    def __init__(
        self,
        pod: str,
        limits: SharedLimits,
        snapshot: Callable[[], Snapshot | None],
        every: float = EVERY,
    ) -> None:
        """`pod` is the name that the operator knows this process by; `snapshot` is what runs."""
        self._pod = pod
        self._process = secrets.token_hex(4)
        self._number = 0
        self._limits = limits
        self._snapshot_now = snapshot
        self._snapshot: Snapshot | None = None
        self._tenants: dict[str, str] = {}
        """Of all clients of RouterKeys, by their names."""
        self._every = every
        self._connection = FollowingConnection(USE_PATH, patience=PATIENCE, body_limit=MOST_ANSWER)
        self._counts: dict[str, KeyCount] = {}
        self._settling: dict[str, float] = {}
        """Keys of the last report, and when each was last shown: the ledger may know better by now
        what is spent, as other pods have given back what they did not need.
        """
        self._unheard: bytes | None = None
        self._telling: asyncio.Task[None] | None = None
        self._is_lost = False

    def follow(self, stream: Stream) -> None:
        """Report to the operator of a stream. Needs an event loop."""
        self._connection.follow(stream)
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell_regularly())

    def consume(self, records: Sequence[RequestRecord]) -> None:
        """Count requests with keys of RouterKeys."""
        self._meet_snapshot()
        if self._tenants:
            count_records(
                self._counts, [each for each in records if each.principal in self._tenants]
            )

    async def close(self) -> None:
        """Tell what was not told yet, if the operator hears it at once. Never raises."""
        if self._telling is None:
            return
        self._telling.cancel()
        await asyncio.wait({self._telling})
        try:
            async with asyncio.timeout(PATIENCE):
                while await self.tell():
                    pass
        except TimeoutError:
            pass
        self._connection.hang_up()

    async def tell(self) -> bool:
        """Make one report; return whether the operator has heard something."""
        if self._unheard is None:
            uses = await self._take_uses()
            if not uses:
                return False
            self._number += 1
            report = UseReport(self._pod, self._process, self._number, uses)
            self._unheard = msgspec.json.encode(report)
        if not await self._is_heard(self._unheard):
            return False
        self._unheard = None
        return True

    async def _tell_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            await self.tell()

    def _meet_snapshot(self) -> None:
        snapshot = self._snapshot_now()
        if snapshot is not self._snapshot:
            self._snapshot = snapshot
            clients = () if snapshot is None else snapshot.auth.clients
            self._tenants = {each.name: each.tenant for each in clients if each.grant is not None}

    async def _take_uses(self) -> list[KeyUse]:
        """Return what is new, some thousands of keys at most, the longest known first."""
        names = list(islice(self._counts, MOST_KEYS_TOLD))
        settling = dict(islice(self._settling.items(), MOST_KEYS_TOLD - len(names)))
        is_shared = self._limits.has_shared_budgets
        own = [scope for name in {*names, *settling} for scope in self._own(name)]
        if own and is_shared:
            await self._limits.budgets.look(own)
        # Taken once nothing waits any more: a process that ends before tells it all the same.
        told = {name: self._counts.pop(name) for name in names}
        is_silent = is_shared and not self._limits.is_in_touch
        # Of a ledger that is silent there is nothing to tell yet.
        unsettled, settled = (settling, {}) if is_silent else ({}, settling)
        self._settling = unsettled | {
            name: count.last for name, count in told.items() if is_shared and self._own(name)
        }
        counts = {name: KeyCount(last) for name, last in settled.items()} | told
        now = monotonic()
        uses = [self._use(name, count, now) for name, count in counts.items()]
        for name in counts:
            for scope in self._scopes(name):
                scope.fell_short = False
        return uses

    def _use(self, name: str, count: KeyCount, now: float) -> KeyUse:
        age = max(0, int(now - count.last))
        spent = self._spent(self._own(name))
        exhausted = self._exhausted(name, any_let_through=count.requests > 0)
        return KeyUse(name, count.requests, count.tokens, count.nanodollars, age, spent, exhausted)

    def _spent(self, scopes: Iterable[BudgetScope]) -> dict[str, int] | None:
        """Return what is spent of a key's own budgets, as `KeyUse` has it."""
        if not self._limits.has_shared_budgets:
            return None
        if not self._limits.is_in_touch:
            return {}
        return {scope.period.name: state_of(scope).used for scope in scopes if scope.lease.is_known}

    def _exhausted(self, name: str, *, any_let_through: bool) -> str | None:
        """Return the kind of a budget that has not enough, as `KeyUse` has it."""
        short = next((each.kind for each in self._scopes(name) if each.fell_short), None)
        return short or ("" if any_let_through else None)

    def _scopes(self, name: str) -> Sequence[BudgetScope]:
        return self._limits.budgets.of(self._tenants.get(name, ""))

    def _own(self, name: str) -> list[BudgetScope]:
        return [each for each in self._scopes(name) if each.kind == "client"]

    async def _is_heard(self, report: bytes) -> bool:
        """Return whether the operator has taken a report, or never will."""
        try:
            reply, _ = await self._connection.ask(report)
        except NoAnswer as why:
            self._note(str(why))
            return False
        if reply.status == NO_CONTENT:
            self._note("")
            return True
        # Behind a Service the next connection may lead to the replica that leads.
        self._connection.hang_up()
        self._note(f"answered {reply.status}")
        return reply.status in UNREADABLE

    def _note(self, error: str) -> None:
        """Log that the operator does not hear, or hears again, once."""
        if error and not self._is_lost:
            logger.warning("the operator is not told of the use of keys: %s", error)
        elif not error and self._is_lost:
            logger.info("the operator is told of the use of keys again")
        self._is_lost = bool(error)
