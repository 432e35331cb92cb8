"""The limiter of a process, its leases, and its connection to the ledger that they come from."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING, Self

import msgspec

from airouter.limits.budgets.budget_state import states_of
from airouter.limits.budgets.budgets import Budgets
from airouter.limits.clients import Clients
from airouter.limits.ledger.exchanger import Exchanger
from airouter.limits.ledger.leases import Leases
from airouter.limits.limiter import Limiter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from airouter.config.snapshot import ClientKey, Snapshot
    from airouter.limits.budgets.budget_state import BudgetState
    from airouter.limits.ledger.base import RemoteLedger
    from airouter.limits.ledger.operator import OperatorLedger
    from airouter.limits.usage import LimitUsage
    from airouter.settings import Settings

    Place = tuple[str, str | None]
    """The type of a ledger, and its URL if it is Redis."""

logger = logging.getLogger("airouter.limits")

ALONE: Place = ("Local", None)
IN_A_FILE: Place = ("File", None)
"""Limits count in this process alone, and so do budgets, which outlive it."""


class SharedLimits:
    """Connects a limiter with the ledger of a snapshot. Lives as long as the process."""

    def __init__(self, pod: str, file: Path) -> None:
        """`pod` is the name that the next process in this place has, too.

        `file` keeps what is spent of budgets where there is no ledger of replicas.
        """
        self.operator: OperatorLedger | None = None
        """The ledger of the operator that feeds this process, if one does."""
        self._leases = Leases(pod, monotonic)
        self.clients = Clients()
        self.limiter = Limiter(leases=self._leases)
        self.budgets = Budgets(self._leases)
        self._file = file
        self._place = ALONE
        self._exchanger: Exchanger | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return those of a process with such settings."""
        return cls(f"{settings.pod_name}:{settings.port}", settings.ledger_file)

    def reload(self, snapshot: Snapshot) -> None:
        """Set the limits of a snapshot, and speak with its ledger. Needs an event loop."""
        place = self._place_for(snapshot)
        self.clients.reload(snapshot.auth)
        self.limiter.reload(msgspec.structs.replace(snapshot, ledger=place[0]), self.clients)
        self.budgets.reload(snapshot, self.clients)
        if place == ALONE and (self.budgets.are_declared or self._place == IN_A_FILE):
            place = IN_A_FILE
        if place != self._place:
            self._connect(place)

    @property
    def has_shared_budgets(self) -> bool:
        """True where a ledger counts what all replicas spend of budgets."""
        return self._place[0] in {"Redis", "Operator"}

    @property
    def is_in_touch(self) -> bool:
        """True where the ledger has answered the last words."""
        return self._leases.contact.is_up

    def meet(self, client: ClientKey, rule: str) -> None:
        """Take in a client that showed a token, and the name of the rule by which it is known."""
        forgotten = self.clients.meet(client, rule)
        for tenant in (client.tenant, *forgotten):
            self.limiter.renew(tenant)
        self.budgets.renew(client.tenant)
        if forgotten:
            self.budgets.forget(forgotten)

    def as_json(self) -> dict[str, object] | None:
        """Return what health tells of the ledger; None where there is none."""
        if self._exchanger is None or self._place == IN_A_FILE:
            return None
        return self._leases.as_json()

    async def most_used(self) -> Sequence[LimitUsage]:
        """Return the limits that are used most."""
        return await self.limiter.most_used()

    async def budget_states(self) -> Sequence[BudgetState]:
        """Return the budgets that somebody has spent of, some thousands at most."""
        return await states_of(self.budgets.scopes)

    async def close(self) -> None:
        """Leave the ledger."""
        self.limiter.ask = self.budgets.ask = None
        if self._exchanger is not None:
            await self._exchanger.leave()
        await asyncio.gather(*self._closing)

    def _place_for(self, snapshot: Snapshot) -> Place:
        if snapshot.ledger == "Redis":
            return "Redis", snapshot.redis_url
        if snapshot.ledger == "Local":
            return ALONE
        if self.operator is not None:
            return "Operator", None
        if snapshot.ledger == "Operator":
            logger.warning(
                "limits hold for this process alone: the ledger is to be an operator's, and files "
                "feed this router (fix: set spec.redis, or ledger.type Local)"
            )
        return ALONE

    def _connect(self, place: Place) -> None:
        former, self._exchanger, self._place = self._exchanger, None, place
        if former is not None:
            closing = asyncio.ensure_future(former.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        ledger = self._ledger_at(place)
        if ledger is not None:
            self._exchanger = Exchanger(self._leases, ledger)
            self._exchanger.start()
        ask = None if self._exchanger is None else self._exchanger.ask
        self.limiter.ask = None if place == IN_A_FILE else ask
        self.budgets.ask = ask

    def _ledger_at(self, place: Place) -> RemoteLedger | None:
        type_, url = place
        if place == IN_A_FILE:
            from airouter.limits.ledger.local import LocalLedger  # noqa: PLC0415 - only where used
            from airouter.limits.ledger.written import WrittenBudgets  # noqa: PLC0415

            return LocalLedger(WrittenBudgets(self._file))
        if url is not None:
            from airouter.limits.ledger.redis import RedisLedger  # noqa: PLC0415 - only where used

            return RedisLedger(url)
        return self.operator if type_ == "Operator" else None
