"""A pod's lease of money: what it may spend of a budget by itself.

The ledger counts it as spent until the pod says what it was not spent on, so a lease outlives a
ledger that is silent. There is no share without a ledger: what is left of a budget nobody knows
then, and what is spent is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from airouter.bookkeeping.messages import KEPT, WRITING
from airouter.limits.ledger.lease import Lease

if TYPE_CHECKING:
    from airouter.bookkeeping.messages import LeaseGrant, Line
    from airouter.limits.ledger.lease import Contact


class BudgetLease(Lease):
    """A part of one budget in one period, in billionths of a US dollar."""

    slides = False
    lasts = KEPT // 2

    __slots__ = (
        "_born",
        "_counted",
        "_heard",
        "_let_go",
        "_telling",
        "is_known",
        "keeps",
        "may_come",
    )

    def __init__(self, key: str, limit: int, contact: Contact, total: int = 0) -> None:
        super().__init__(key, limit, contact, total)
        self.keeps = 1
        """Seconds for which the ledger is to keep it."""
        self.is_known = False
        """Whether the ledger has said what is spent."""
        self.may_come = False
        """Whether the ledger has to write down what was asked for before it grants that."""
        self._heard = 0
        """What was spent or out when the ledger last said."""
        self._born = 0
        """When that ledger began; another one is told what it said."""
        self._counted = 0
        """What of it was spent or held here, as far as that ledger surely knew."""
        self._let_go = 0
        """What of it was let go of here, as the budget does not have it."""
        self._telling = 0
        """What of that the ledger is being told."""

    @property
    def is_spent(self) -> bool:
        """True where the ledger has said that nothing is left."""
        return self.left <= 0 and self._heard - self.handed_back >= self.limit

    def room(self, step: int) -> int:  # noqa: ARG002  # what is spent does not slide out
        return min(self.limit, self.limit - self._heard + self.left + self.handed_back)

    def may_get(self, step: int, amount: int) -> bool:
        contact = self.contact
        may_answer = contact.is_up or not contact.has_begun
        return may_answer and amount <= self.limit and not self._is_refused(step, amount)

    def meet_another_ledger(self) -> None:
        if self._born:
            self.contact.touched.add(self)

    def line(self, step: int, *, regular: bool) -> Line:
        line = replace(
            super().line(step, regular=regular),
            keeps=self.keeps,
            born=self._born,
            spent=self._heard,
            counted=self._counted,
        )
        # Of what is given back the ledger knows from when it reads this, answered or not.
        self._counted = min(self._counted, line.total + line.held)
        self._telling = self._let_go
        return line

    def settle(self, taken_at: int, step: int, reserved: int, used: int) -> None:
        super().settle(taken_at, step, reserved, used)
        self.keep_to_limit()

    def keep_to_limit(self) -> None:
        """Let go of what is left that the budget does not have.

        It was reserved as debt, or granted of a budget that was larger then.
        """
        over = min(self.left, self._heard - self._let_go - self.limit)
        if over > 0:
            self._let_go += over
            self._leave(self.left - over)

    def accept(self, sent: Line, at: int, step: int, grant: LeaseGrant) -> None:
        super().accept(sent, at, step, grant)
        self._heard, self._born = sent.limit - grant.free, self.contact.born
        self._counted = sent.total + sent.held + grant.amount
        self._let_go -= self._telling
        self.is_known = True
        self.may_come = 0 < grant.wait <= WRITING
        self.keep_to_limit()
        if not sent.least:  # nobody was refused anything
            self.refused_until = step

    def keep(self) -> None:
        until = self.until
        super().keep()
        self.until = until

    def _takes_of_share(self, step: int) -> bool:  # noqa: ARG002  # there is none
        return False

    def _uses(self, step: int) -> list[tuple[int, int]]:  # noqa: ARG002  # nothing slides out
        self.sent = {0: sum(self.used.values()) + sum(self.sent.values())}
        self.used = {}
        return [(0, self.sent[0])] if self.sent[0] else []
