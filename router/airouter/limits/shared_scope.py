"""A scope whose limits all replicas share: its counters are leases, where others count alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from airouter.limits.ledger.lease import Lease, RequestLease
from airouter.limits.ledger.slot_lease import SlotLease
from airouter.limits.scope import UNBOUNDED, Scope, Slots

if TYPE_CHECKING:
    from airouter.bookkeeping.limit_counter import LimitCounter
    from airouter.config.snapshot import Limits
    from airouter.limits.ledger.leases import Leases

AnyLease = TypeVar("AnyLease", bound=Lease)


class SharedScope(Scope):
    """The requests, the tokens and the concurrency of one name, over all replicas."""

    __slots__ = ("_leases",)

    def __init__(self, kind: str, name: str, leases: Leases) -> None:
        super().__init__(kind, name)
        self._leases = leases

    def limit(self, limits: Limits) -> None:
        self.limits = limits
        self.requests = self._lease(RequestLease, "requests", self.requests, limits.rpm)
        self.tokens = self._lease(Lease, "tokens", self.tokens, limits.tpm)
        former = self.running
        slots = self._lease(SlotLease, "slots", former, limits.max_concurrent)
        self.slots = slots
        if slots is None:
            self.running = former if isinstance(former, Slots) else Slots(UNBOUNDED)
            return
        self.running = slots
        if isinstance(former, Slots):
            slots.take_over(former)

    def _lease(
        self, kind: type[AnyLease], of: str, former: LimitCounter | None, limit: int | None
    ) -> AnyLease | None:
        """Return the lease of a limit; let go of the former one where there is no limit."""
        if limit is not None:
            return self._leases.open(kind, f"{self.kind}:{self.name}:{of}", limit)
        self._let_go(former)
        return None

    def close(self) -> None:
        for counter in (self.requests, self.tokens, self.slots):
            self._let_go(counter)  # which requests in flight settle yet

    def _let_go(self, counter: LimitCounter | None) -> None:
        if isinstance(counter, Lease):
            self._leases.let_go(counter)
