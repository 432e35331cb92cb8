"""All leases of a pod, and its words with the ledger about them.

While the ledger answers, the leases are what the ledger grants. A minute after it fell silent, when
nothing that it granted counts any more, the share is in force that it told last. A process that
never reached a ledger has a hundredth, a minute after it began.
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, TypeVar

from airouter.bookkeeping.messages import FIRST_SHARE, LEASE, TOO_LATE, WHOLE, LedgerMessage
from airouter.bookkeeping.window import SPAN, step_of
from airouter.limits.ledger.budget_lease import BudgetLease
from airouter.limits.ledger.lease import Contact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airouter.bookkeeping.messages import LedgerAnswer
    from airouter.limits.ledger.lease import Lease

    AnyLease = TypeVar("AnyLease", bound=Lease)

logger = logging.getLogger("airouter.limits")

MOST_LINES, MOST_AT_ONCE = 200, 5_000
"""Limits in one message, and in the first one after a silence, which tells of all."""


class Leases:
    """The leases of one process."""

    def __init__(self, pod: str, clock: Callable[[], float]) -> None:
        """`pod` is the name that the next process in this place has, too; `clock` is in seconds."""
        self.contact = Contact()
        self._clock = clock
        self.contact.share_from = step_of(clock()) + SPAN + LEASE
        self._pod = pod
        self._process = secrets.token_hex(4)
        self._number = self._heard = self._answered = self._heard_at = 0
        self._share = FIRST_SHARE
        self._granted_by = 0
        """When the ledger began that has granted last, by its clock."""
        self._sent_at = 0
        self._leases: dict[str, Lease] = {}  # bounded by the limits of the configuration
        self._most_used = 0
        """The greatest total of a lease that is gone: one that comes again counts on from it."""
        self._over: set[str] = set()
        """The keys of leases that nobody spends of any more."""
        self._was_up: bool | None = None

    def as_json(self) -> dict[str, object]:
        """Return what health tells: whether the ledger answers, else the share in force."""
        share = self.contact.share
        return {
            "connected": self.contact.is_up,
            "share_in_force": None if share is None else share / WHOLE,
        }

    def open(self, kind: type[AnyLease], key: str, limit: int) -> AnyLease:
        """Return the lease of a key, with a limit."""
        lease = self._leases.get(key)
        if not isinstance(lease, kind):
            lease = kind(key, limit, self.contact, self._most_used)
            self._leases[key] = lease
        self._over.discard(key)
        lease.resize(limit)
        return lease

    def let_go(self, lease: Lease) -> None:
        """Forget a lease, once there is nothing to tell of it."""
        if lease.is_idle and not isinstance(lease, BudgetLease):
            self.contact.touched.discard(lease)
            self._forget(lease)
        else:
            self._over.add(lease.key)
            self.contact.touched.add(lease)

    def _forget(self, lease: Lease) -> None:
        self._most_used = max(self._most_used, lease.total)
        self._over.discard(lease.key)
        if self._leases.get(lease.key) is lease:
            del self._leases[lease.key]

    def due(self, *, regular: bool) -> list[list[Lease]]:
        """Return the leases to speak of, by messages: once a second all, else those in need."""
        contact = self.contact
        leases = list(contact.touched if regular else contact.in_need)
        most = MOST_LINES if contact.is_up else MOST_AT_ONCE
        return [leases[at : at + most] for at in range(0, len(leases), most)] or [[]] * regular

    def message(
        self, leases: Sequence[Lease], *, regular: bool = False, leaves: bool = False
    ) -> LedgerMessage:
        """Return what to tell the ledger of leases, now."""
        self._number += 1
        if leaves:  # and wants nothing more
            for lease in leases:
                lease.note()
                lease.asked = 0
        self._sent_at = step = step_of(self._clock())
        lines = [lease.line(step, regular=regular) for lease in leases]
        self.contact.is_speaking = True
        return LedgerMessage(
            self._pod,
            self._process,
            self._number,
            self._heard,
            self.contact.born,
            self._answered,
            step - self._heard_at,
            leaves,
            lines,
        )

    def accept(self, leases: Sequence[Lease], message: LedgerMessage, answer: LedgerAnswer) -> None:
        """Take what the ledger has answered."""
        step = step_of(self._clock())
        self._answered, self._heard_at = answer.now, step + 1
        if answer.share == TOO_LATE:
            self.fail(leases, "the message came late")
            return
        contact = self.contact
        if answer.born != contact.born:
            for lease in self._leases.values():
                lease.meet_another_ledger()
        self._heard, contact.born = message.number, answer.born
        self._share = answer.share
        contact.is_up, contact.is_speaking = True, False
        if self._is_closed(answer):
            if step >= contact.share_from:
                contact.share = contact.share_kept
        else:
            self._granted_by = answer.born
            contact.share, contact.share_kept = None, answer.share
            contact.share_from = step + 1 + SPAN + LEASE
            contact.lost_from = step + 1 + LEASE
        contact.has_begun = True
        for lease, line, grant in zip(leases, message.lines, answer.grants, strict=True):
            lease.accept(line, self._sent_at, step, grant)
            if lease.is_idle:
                contact.touched.discard(lease)
                if lease.key in self._over:
                    self._forget(lease)
        if self._was_up is False:
            logger.info("the ledger of limits answers again")
        self._was_up = True

    def _is_closed(self, answer: LedgerAnswer) -> bool:
        """Return whether a ledger is new that follows another one: it grants nothing for a while.

        The pod lives on as if there was none.
        """
        follows = self._granted_by not in {0, answer.born}
        return follows and answer.now < answer.born + SPAN + LEASE

    def fail(self, leases: Sequence[Lease], reason: str) -> None:
        """Go on without an answer."""
        for lease in leases:
            lease.keep()
        contact = self.contact
        contact.is_up = contact.is_speaking = False
        contact.has_begun = True
        step = step_of(self._clock())
        if step >= contact.share_from:
            contact.share = self._share
        # One answer that gets lost is no news: leases outlive it.
        if self._was_up is not False and (not self._heard or step - self._heard_at > LEASE):
            logger.warning("the ledger of limits does not answer: %s", reason)
            self._was_up = False
