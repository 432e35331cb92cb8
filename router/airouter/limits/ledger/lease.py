"""A pod's lease of one limit: what it may spend by itself, and what it tells the ledger of it.

Three kinds: of requests, which count from when they were let through; of tokens, which count from
when their real number is known; of slots (`slot_lease.py`), which requests in flight hold and which
count no longer. What is reserved is held until it ends, so the ledger counts on it all the while.
"""

from __future__ import annotations

import sys
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING

from airouter.bookkeeping.limit_counter import NO_STEP, LimitCounter
from airouter.bookkeeping.messages import LEASE, SETTLING, SOON, WHOLE, Line
from airouter.bookkeeping.window import SPAN

if TYPE_CHECKING:
    from airouter.bookkeeping.messages import LeaseGrant

NEVER = sys.maxsize
OLD = SPAN - 10 * SOON
"""Steps after which a request counts as used that is still in flight: it costs what it took."""


class Contact:
    """All that the leases of a pod know of the ledger."""

    def __init__(self) -> None:
        self.is_up = False
        """True where the last exchange was answered."""
        self.born = 0
        """When the ledger began that answered last, by its clock; 0 for none."""
        self.has_begun = False
        """True once an exchange has ended, answered or not."""
        self.share: int | None = None
        """The share of limits that is in force, of `WHOLE`; None where the ledger is."""
        self.share_from = 0
        """The step from which on a silence of the ledger brings the share in force."""
        self.lost_from = NEVER
        """The step at which the ledger that granted last may hold the pod for lost, and from which
        on it keeps back its share."""
        self.share_kept = 0
        """That share."""
        self.is_speaking = False
        """True while a message is under way."""
        self.touched: set[Lease] = set()
        """The leases of which there is something to tell."""
        self.in_need: set[Lease] = set()
        """Those of them that requests wait for."""


class Lease(LimitCounter):
    """A part of one limit, held by a pod."""

    slides = True
    lasts = LEASE

    __slots__ = (
        "asked",
        "contact",
        "debt",
        "free",
        "free_at",
        "handed_back",
        "held",
        "key",
        "known",
        "least",
        "needed",
        "refused",
        "refused_until",
        "sent",
        "stamp",
        "total",
        "until",
        "used",
        "waits_in_vain",
    )

    def __init__(self, key: str, limit: int, contact: Contact, total: int = 0) -> None:
        """`total` is what was used of the key before, if it may have been."""
        super().__init__(limit)
        self.key = key
        self.contact = contact
        self.left = 0
        self.held = 0
        """What is left, and what is reserved for requests in flight."""
        self.until = 0
        """The step from which on nothing is left."""
        self.stamp = NO_STEP
        """The step at which what was taken and spent last counts."""
        self.debt = 0
        """What is below 0 of what is left, and being told."""
        self.asked = 0
        """What requests wanted since the last regular exchange."""
        self.needed = 0
        self.least = 0
        """What all requests that wait need, and the first of them, beside what is left."""
        self.refused = 0
        self.refused_until = 0
        """What the ledger does not have beside what is left, nor more, and the step until then."""
        self.waits_in_vain = False
        self.free = limit
        self.free_at = -SPAN
        """What the ledger had beside, and at which step."""
        self.handed_back = 0
        """What was left and is being given back: the ledger has not said that it has it."""
        self.total = total
        self.used: dict[int, int] = {}
        self.sent: dict[int, int] = {}
        """Uses by steps that the ledger does not know, and those that it is being told."""
        self.known: deque[tuple[int, int]] = deque()
        """Steps and uses that it knows, of the last span."""

    @property
    def is_idle(self) -> bool:
        """True where there is nothing to tell the ledger."""
        here = self.left or self.held or self.taken or self.spent
        return not (here or self.used or self.needed or self.asked)

    @property
    def reserved(self) -> int:
        """The part of it that is reserved for requests in flight."""
        return self.held - self.left - self.spent

    def advance(self, step: int) -> None:
        self.note()
        self.stamp = step
        self.at = step if step < self.until else NO_STEP
        self.contact.touched.add(self)

    def note(self) -> None:
        """Take down what was taken and spent since the last time."""
        self.asked, self.taken = self.asked + self.taken, 0
        if self.spent:
            self._use(self.stamp, self.spent)
            self.spent = 0

    def has(self, step: int, amount: int) -> bool:
        """Return whether so much may be spent. Slow only where it may not."""
        if super().has(step, amount) and step < self.until:
            return True
        self.note()
        self._end(step)
        return (self._takes_of_share(step) or self._takes_of_own(step)) and amount <= self.left

    def resize(self, limit: int) -> None:
        self.limit = limit

    def _leave(self, left: int) -> None:
        """Have so much be left."""
        self.held += left - self.left
        self.left = left

    def _last(self, until: int) -> None:
        """Have the lease last until a step."""
        self.until = until
        self.at = NO_STEP

    def _end(self, step: int) -> None:
        """Let go of what is left after the lease: the ledger has counted it."""
        if step >= self.until:
            self._leave(min(self.left, 0))

    def _takes_of_share(self, step: int) -> bool:
        """Have what is left be the pod's share; False while that is not in force.

        Not while a message is under way, which has told what is left: more would come of uses that
        slide out meanwhile, and the ledger, should it answer, does not know of it.
        """
        share = self.contact.share
        if share is None or self.contact.is_speaking:
            return False
        self._leave(share_of(self.limit, share) - self._used_from(step - SPAN) - self.reserved)
        self._last(step + 1)
        return True

    def _takes_of_own(self, step: int) -> bool:
        """Have what is left be what slides out of the pod's own uses, while nobody grants.

        Until its share is in force a pod goes on as before, at most with its share. The limit
        holds: what slid out of its uses is granted to others only beyond that share, which the
        ledger keeps back; and a ledger that is new grants nothing at all for so long.
        """
        contact = self.contact
        lost_from = contact.lost_from
        if not self.slides or step < lost_from or contact.share is not None or contact.is_speaking:
            return False
        slid_out = sum(used for at, used in self.known if lost_from <= at + SPAN < step)
        kept = share_of(self.limit, contact.share_kept)
        self._leave(min(slid_out, kept) - self._used_from(lost_from) - self.reserved)
        self._last(step + 1)
        return True

    def _used_from(self, step: int) -> int:
        """Return what was used from a step on."""
        uses = chain(self.known, self.sent.items(), self.used.items())
        return sum(amount for at, amount in uses if at >= step)

    def _use(self, at: int, amount: int) -> None:
        self.held -= amount
        self.total += amount
        self.used[at] = self.used.get(at, 0) + amount

    def may_get(self, step: int, amount: int) -> bool:
        """Return whether it is worth asking the ledger for so much."""
        return self.contact.is_up and amount <= self.limit and not self._is_refused(step, amount)

    def _is_refused(self, step: int, amount: int) -> bool:
        """Return whether the ledger has refused so much lately, or less."""
        there = self.left + self.handed_back
        return step < self.refused_until and amount - there >= self.refused

    def need(self, step: int, amount: int) -> bool:
        """Take note of a request that waits; False where it waits in vain."""
        if not self.may_get(step, amount):
            return False
        missing = amount - self.left
        self.least = min(self.least, missing) if self.needed else missing
        self.needed += amount
        self.contact.touched.add(self)
        self.contact.in_need.add(self)
        return True

    def line(self, step: int, *, regular: bool) -> Line:
        """Return what to tell the ledger. What is left may become less by it, never more.

        `regular` is True once a second, when what nobody wants is given back.
        """
        self.note()
        wanted = self.asked + self.needed
        if self._takes_of_share(step):
            self._last(step + LEASE)
        else:
            self._hand_back(step, regular=regular)
        if regular:
            self.asked, self.waits_in_vain = 0, False
        uses = self._uses(step)
        least = max(0, self.least)
        left = max(0, self.left)
        needed = max(0, self.needed - left)
        held = self.reserved + left
        self.debt = min(0, self.left)
        self.needed = self.least = 0
        self.contact.in_need.discard(self)
        return Line(
            self.key,
            self.limit,
            self.slides,
            self.total,
            held,
            max(0, wanted - left, needed),
            needed,
            least,
            uses,
        )

    def _hand_back(self, step: int, *, regular: bool) -> None:
        """Let go of what the lease does not last for, and of what nobody wants."""
        before = self.left
        self._end(step)
        if regular:
            spare = 0 if self.waits_in_vain else self.asked
            self._leave(min(self.left, spare))
        self.handed_back += before - self.left

    def _uses(self, step: int) -> list[tuple[int, int]]:
        """Return the uses to tell, as ages: those from the end of their steps, so never too old."""
        for at, amount in self.used.items():
            if at >= step - SPAN:
                self.sent[at] = self.sent.get(at, 0) + amount
        self.used = {}
        return [(max(0, step - at - 1), self.sent[at]) for at in sorted(self.sent)]

    def accept(self, sent: Line, at: int, step: int, grant: LeaseGrant) -> None:
        """Take what the ledger grants, at a step, for a line that was sent `at` one."""
        self.known.extend(sorted(self.sent.items()))
        while self.known and self.known[0][0] < min(self.contact.lost_from, step) - SPAN:
            self.known.popleft()
        self.sent = {}
        self._leave(self.left + grant.amount - self.debt)
        self._last(at + self.lasts)
        self.free, self.free_at, self.handed_back = grant.free, step, 0
        self.refused, self.refused_until = sent.least, step + grant.wait
        if grant.wait:
            self.waits_in_vain = sent.needed > 0

    def meet_another_ledger(self) -> None:
        """Take note that the ledger is not the one of before."""

    def keep(self) -> None:
        """Keep what could not be told."""
        for at, amount in self.used.items():
            self.sent[at] = self.sent.get(at, 0) + amount
        self.used, self.sent = self.sent, {}
        if self.contact.share is not None:
            self._last(0)

    # What headers of answers and batch clients ask for, as of a `Window`.

    def room(self, step: int) -> int:
        """Return what may be used, as far as the pod knows."""
        if step - self.free_at <= LEASE:
            others = self.free + self.handed_back
        else:
            others = self.limit - self.left
        return min(self.limit, self.left + max(0, others))

    def until_idle(self, step: int) -> int:
        """Return the steps after which all of it is free, if nobody uses it."""
        return SPAN + 1 if self.room(step) < self.limit else 0

    def wait(self, step: int, amount: int) -> int | None:
        """Return the steps after which there may be so much; None where it never is."""
        if amount > self.limit:
            return None
        contact = self.contact
        if contact.share is not None:
            return max(SOON, min(self.used) + SPAN + 1 - step) if self.used else SOON
        if not contact.has_begun:
            return SETTLING  # at most, of a ledger that is new: others answer at once
        until = self.refused_until if contact.is_up else contact.share_from
        return max(1, until - step)


class RequestLease(Lease):
    """A lease of requests: each counts from when it was let through, once it has ended."""

    __slots__ = ("counted_before", "ended", "pending")

    def __init__(self, key: str, limit: int, contact: Contact, total: int = 0) -> None:
        super().__init__(key, limit, contact, total)
        self.pending: dict[int, int] = {}
        """Requests in flight, by the steps at which they were let through."""
        self.ended: dict[int, int] = {}
        """Those of them that have ended since somebody took note, by the same steps."""
        self.counted_before = 0
        """Those that are older count as used already."""

    def note(self) -> None:
        if self.taken:
            self.pending[self.stamp] = self.pending.get(self.stamp, 0) + self.taken
        super().note()
        ended, self.ended = self.ended, {}
        for taken_at, amount in ended.items():
            if self._end_pending(taken_at, amount):
                self._use(taken_at, amount)

    def settle(self, taken_at: int, step: int, reserved: int, used: int) -> None:  # noqa: ARG002
        self.ended[taken_at] = self.ended.get(taken_at, 0) + used

    def give_back(self, taken_at: int, reserved: int) -> None:
        self.note()
        if self._end_pending(taken_at, reserved):
            self.left += reserved

    def _end_pending(self, taken_at: int, amount: int) -> bool:
        """Return whether the request was not counted yet."""
        if taken_at < self.counted_before:
            return False
        self.pending[taken_at] -= amount
        if not self.pending[taken_at]:
            del self.pending[taken_at]
        return True

    def _uses(self, step: int) -> list[tuple[int, int]]:
        self.counted_before = max(self.counted_before, step - OLD)
        for at in [at for at in self.pending if at < self.counted_before]:
            self._use(at, self.pending.pop(at))
        return super()._uses(step)


def share_of(limit: int, share: int) -> int:
    """Return the share of a limit."""
    return limit * share // WHOLE
