"""A scope whose limits all replicas share: its counters are leases, where others count alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.limits.ledger.lease import Lease, RequestLease, SlotLease
from airouter.limits.scope import Scope

if TYPE_CHECKING:
    from airouter.bookkeeping.limit_counter import LimitCounter
    from airouter.config.snapshot import Limits
    from airouter.limits.ledger.leases import Leases


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
        self.slots = self._lease(SlotLease, "slots", self.slots, limits.max_concurrent)

    def _lease(
        self, kind: type[Lease], of: str, former: LimitCounter | None, limit: int | None
    ) -> Lease | None:
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
