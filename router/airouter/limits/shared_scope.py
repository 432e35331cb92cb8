"""A scope whose limits all replicas share: it spends leases, where that of `scope.py` counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from airouter.limits.ledger.lease import Lease, RequestLease, SlotLease
from airouter.limits.scope import SPARE, Scope, Shortage, in_seconds, longest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.config.snapshot import Limits
    from airouter.limits.ledger.leases import Leases
    from airouter.limits.scope import SlidingCount

AnyLease = TypeVar("AnyLease", bound=Lease)


class SharedScope(Scope):
    """The requests, the tokens and the concurrency of one name, over all replicas."""

    __slots__ = ("_leases", "leased_requests", "leased_tokens", "slots")

    def __init__(self, kind: str, name: str, leases: Leases) -> None:
        super().__init__(kind, name)
        self._leases = leases
        self.leased_requests: RequestLease | None = None
        self.leased_tokens: Lease | None = None
        self.slots: SlotLease | None = None

    def limit(self, limits: Limits) -> None:
        self.limits = limits
        self.leased_requests = self._lease(
            RequestLease, "requests", self.leased_requests, limits.rpm
        )
        self.leased_tokens = self._lease(Lease, "tokens", self.leased_tokens, limits.tpm)
        self.slots = self._lease(SlotLease, "slots", self.slots, limits.max_concurrent)

    def _lease(
        self, kind: type[AnyLease], of: str, former: AnyLease | None, limit: int | None
    ) -> AnyLease | None:
        """Return the lease of a limit; let go of the former one where there is no limit."""
        if limit is not None:
            return self._leases.open(kind, f"{self.kind}:{self.name}:{of}", limit)
        if former is not None:
            self._leases.let_go(former)
        return None

    def close(self) -> None:
        for _, lease, _ in self._amounts(0):  # which requests in flight settle yet
            self._leases.let_go(lease)

    def has_room(self, step: int, tokens: int) -> bool:
        return all(lease.has(step, amount) for _, lease, amount in self._amounts(tokens))

    def may_have_room(self, step: int) -> bool:
        """Return whether a small request has room, or the ledger may have some for it."""
        return all(
            lease.has(step, amount) or lease.may_get(step, amount)
            for _, lease, amount in self._amounts(1)
        )

    def is_scarce(self, step: int) -> bool:
        """Return whether little is left, as far as the ledger told within the last seconds."""
        return any(lease.room(step) < SPARE * lease.limit for _, lease, _ in self._amounts(0))

    def take(self, step: int, tokens: int) -> bool:
        requests, leased, slots = self.leased_requests, self.leased_tokens, self.slots
        if (
            (requests is not None and not requests.has(step, 1))
            or (leased is not None and not leased.has(step, tokens))
            or (slots is not None and not slots.has(step, 1))
        ):
            return False
        if requests is not None:
            requests.take(step, 1)
        if leased is not None:
            leased.take(step, tokens)
        if slots is not None:
            slots.take(step, 1)
        return True

    def settle(self, taken_at: int, step: int, reserved: int, used: int) -> None:
        if self.leased_requests is not None:
            self.leased_requests.settle(taken_at, step, 1, 1)
        if self.leased_tokens is not None:
            self.leased_tokens.settle(taken_at, step, reserved, used)
        if self.slots is not None:
            self.slots.settle(taken_at, step, 1, 0)

    def give_back(self, taken_at: int, reserved: int) -> None:
        for _, lease, amount in self._amounts(reserved):
            lease.give_back(taken_at, amount)

    def shortage(self, step: int, tokens: int) -> Shortage:
        return longest(
            Shortage(self, of, lease.limit, in_seconds(lease.wait(step, amount)))
            for of, lease, amount in self._amounts(tokens)
            if not lease.has(step, amount)
        )

    def need(self, step: int, tokens: int) -> bool:
        """Take note of a request that waits for the ledger; False where it waits in vain."""
        return all(
            lease.has(step, amount) or lease.need(step, amount)
            for _, lease, amount in self._amounts(tokens)
        )

    def counted(self) -> tuple[SlidingCount | None, SlidingCount | None]:
        return self.leased_requests, self.leased_tokens

    def _amounts(self, tokens: int) -> Iterator[tuple[str, Lease, int]]:
        """Yield the leases, and what a request of so many tokens needs of each."""
        if self.leased_requests is not None:
            yield "requests", self.leased_requests, 1
        if self.leased_tokens is not None:
            yield "tokens", self.leased_tokens, tokens
        if self.slots is not None:
            yield "concurrent", self.slots, 1
