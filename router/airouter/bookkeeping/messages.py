"""Messages between a pod and the ledger: one exchange for any number of limits and budgets.

Times are ages and durations in steps (`window.py`), never moments, so that clocks of pods may
differ. A message tells what is, not what has changed: what is used as a running total with the
latest uses, what is held as it stands. So a message that is lost, repeated or late does no harm.
"""

from __future__ import annotations

import msgspec

from airouter.bookkeeping.window import SPAN, STEPS_PER_SECOND

LEASE = 3 * STEPS_PER_SECOND
"""Steps that a pod may spend a lease after it last asked, and the ledger counts on it."""
SLOTS_LEASE = SPAN
"""Steps that the ledger counts on requests in flight of a pod that is silent."""
SETTLING = 5 * STEPS_PER_SECOND
"""Steps that a new ledger waits for pods that know of one before it."""
KEPT = 60 * SPAN
"""Steps for which the share of a pod is kept that is out of sight."""
MEMORY = 2 * KEPT
"""Steps for which the ledger remembers a limit that nobody asks for."""
SOON = STEPS_PER_SECOND
"""Steps after which pods give back what they do not need."""
WRITING = 2
"""Steps after which a ledger may have written down what it has to before it grants that."""
TOO_LATE = -1
WHOLE = 1_000_000
"""Parts of a limit, of which each pod has its share."""
FIRST_SHARE = WHOLE // 100
"""The share of a process that has never reached a ledger: nothing of limits below 100."""
SHARED = WHOLE - 5 * FIRST_SHARE
"""The sum of the shares of all that have: some of the others have room beside them."""
RULES = {
    "SPAN": SPAN,
    "STEPS_PER_SECOND": STEPS_PER_SECOND,
    "LEASE": LEASE,
    "SLOTS_LEASE": SLOTS_LEASE,
    "SETTLING": SETTLING,
    "KEPT": KEPT,
    "MEMORY": MEMORY,
    "SOON": SOON,
    "WHOLE": WHOLE,
    "SHARED": SHARED,
}
"""What a ledger in another language has to know."""


class Line(msgspec.Struct, frozen=True, array_like=True):
    """One limit in a message."""

    key: str
    limit: int
    slides: bool
    """True for amounts in sixty seconds, False for requests at the same time."""
    total: int
    """All that this process has ever used of it."""
    held: int
    """What is left of leases, and what is reserved for requests in flight."""
    wanted: int
    """What it could do with."""
    needed: int
    """What requests wait for now."""
    least: int
    """What the first of them waits for: less is of no use."""
    uses: list[tuple[int, int]]
    """Age and amount of the latest uses, the oldest first: all that may not be known yet."""
    keeps: int = 0
    """Of a budget, the seconds for which the ledger keeps what was spent; 0 for limits.

    What is spent of a budget never slides out: its key has the period in it.
    """
    born: int = 0
    """Of a budget, when the ledger began that this process heard last; 0 for none."""
    spent: int = 0
    """What that ledger said was spent or out."""
    counted: int = 0
    """What of it was this process's, as far as that ledger surely knew: spent and held."""


class LedgerMessage(msgspec.Struct, frozen=True, array_like=True):
    """All that a pod says at once."""

    pod: str
    """Its name, which a process has that is started again in its place."""
    process: str
    number: int
    """Counts the messages of a process: the ledger ignores those that come late."""
    heard: int
    """The last of them that was answered; 0 for none."""
    born: int
    """When the ledger began that answered, by that ledger's clock; 0 for none."""
    answered: int
    """When it answered, by that ledger's clock."""
    since: int
    """Steps since then, by the pod's clock."""
    leaves: bool
    """True for the last message of a process that ends."""
    lines: list[Line]

    @property
    def holder(self) -> str:
        """The process, as the holder of leases."""
        return f"{self.pod}/{self.process}"


class LeaseGrant(msgspec.Struct, frozen=True, array_like=True):
    """The answer to one line."""

    amount: int
    wait: int
    """Steps after which there may be what the pod needs, where that was not granted; else 0."""
    free: int
    """What is free after that; of a budget, below 0 where more was spent than it has."""


class LedgerAnswer(msgspec.Struct, frozen=True, array_like=True):
    """The answer to a message."""

    born: int
    now: int
    share: int
    """The pod's share of every limit, of `WHOLE`, for as long as there is no ledger.

    `TOO_LATE` for a message that was on its way for longer than a lease, and changes nothing.
    """
    grants: list[LeaseGrant]
    """In the order of the message's lines."""
