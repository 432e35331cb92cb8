"""A pod's lease of requests at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.bookkeeping.messages import SLOTS_LEASE
from airouter.limits.ledger.lease import Lease

if TYPE_CHECKING:
    from airouter.limits.ledger.lease import Contact
    from airouter.limits.scope import Slots


class SlotLease(Lease):
    """A lease of requests at the same time: nothing of it is ever used up."""

    slides = False
    lasts = SLOTS_LEASE // 2

    __slots__ = ("_former",)

    def __init__(self, key: str, limit: int, contact: Contact, total: int = 0) -> None:
        super().__init__(key, limit, contact, total)
        self._former: list[tuple[Slots, int]] = []
        """Counters from before there was the limit, and how many of each have places here."""

    def take_over(self, former: Slots) -> None:
        """Have requests hold places that are in flight, and were let through without a limit."""
        running = former.in_flight
        if running:
            self.held += running
            self._former.append((former, running))
            self.contact.touched.add(self)

    def note(self) -> None:
        super().note()
        if self._former:
            now = [(each, each.in_flight) for each, _ in self._former]
            self.left += sum(known for _, known in self._former) - sum(count for _, count in now)
            self._former = [(each, count) for each, count in now if count]
