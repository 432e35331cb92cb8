"""Reports of pods to their operator: what the keys of RouterKeys were used for.

They go beside the words with a ledger, and whichever ledger there is. A report tells what has
happened since the one before, and is told again until it is answered: by its number the operator
knows that it has heard it, and by what a status says of that an operator that leads since then.
"""

from __future__ import annotations

import msgspec

LARGEST_REPORT = 2 * 1_048_576
MOST_KEYS_TOLD = 2_000
"""Keys in one report."""
MOST_PERIODS = 8
"""Periods of one key's own budgets."""
LONGEST_POD = 253
LONGEST_PROCESS = 64
MOST_REPORTS_TOLD = 2**53
"""Reports of one process: a status of Kubernetes has room for their number."""


class KeyUse(msgspec.Struct, frozen=True, array_like=True):
    """The use of one key."""

    name: str
    """`namespace/name` of its RouterKey."""
    requests: int
    """Requests that were let through."""
    tokens: int
    """Tokens in and out together."""
    nanodollars: int
    """The cost of answers."""
    age: int
    """Seconds since the key was last shown."""
    spent: dict[str, int] | None
    """What is spent of its own budgets over all replicas, in billionths of a US dollar, by the
    names of periods; empty where that is not known just now, None where nobody knows it.
    """
    exhausted: str | None = None
    """The kind of a budget that had not enough for a request: `client`, `grant`.

    Empty where all had; None where nothing was asked of them.
    """

    def __post_init__(self) -> None:
        if len(self.spent or ()) > MOST_PERIODS:
            raise ValueError("it is no use of a key")


class UseReport(msgspec.Struct, frozen=True, array_like=True):
    """All that a pod says at once."""

    pod: str
    process: str
    number: int
    """Counts the reports of a process."""
    uses: list[KeyUse]

    def __post_init__(self) -> None:
        names = 0 < len(self.pod) <= LONGEST_POD and len(self.process) <= LONGEST_PROCESS
        is_numbered = 0 < self.number < MOST_REPORTS_TOLD
        if not (names and is_numbered) or len(self.uses) > MOST_KEYS_TOLD:
            raise ValueError("it is no report")
