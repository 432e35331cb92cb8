"""One name that has limits: a client, a model, a client's use of a model, a credential, a backend.

It is reserved before a request and settled after it. Tokens that are reserved count until the real
number is known, however long a stream takes; from then on the real number counts for sixty seconds.
So what is settled in a minute is above the limit by no more than what the estimates fell short.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import msgspec

from airouter.bookkeeping.limit_counter import LimitCounter
from airouter.bookkeeping.window import STEPS_PER_SECOND, RequestWindow, Window
from airouter.config.snapshot import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SPARE = 0.1
"""Share of a limit that is little."""
CONCURRENT_WAIT = STEPS_PER_SECOND
"""Steps after which a request in flight may have ended."""


class Shortage(msgspec.Struct, frozen=True):
    """Something of which a scope has not enough."""

    scope: Scope
    of: str
    """`requests`, `tokens`, or `concurrent`."""
    limit: int
    wait: float | None
    """Seconds after which there may be enough; None for a request that is larger than the limit."""


UNBOUNDED = 1 << 29
"""Requests at the same time: more than a process ever has, as a number that Python adds fast."""


class Slots(LimitCounter):
    """Requests at the same time, of which none is ever used up."""

    __slots__ = ()

    @property
    def in_flight(self) -> int:
        """The requests that have not ended."""
        return self.limit - self.left

    def advance(self, step: int) -> None:
        self.at, self.taken = step, 0

    def until_idle(self, step: int) -> int:  # noqa: ARG002
        return 0

    def wait(self, step: int, amount: int) -> int:  # noqa: ARG002
        return CONCURRENT_WAIT


class Scope:
    """The requests, the tokens and the concurrency of one name."""

    __slots__ = ("kind", "limits", "name", "requests", "running", "slots", "tokens")

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        self.limits = Limits()
        self.requests: LimitCounter | None = None
        self.tokens: LimitCounter | None = None
        self.slots: LimitCounter | None = None
        self.running: LimitCounter = Slots(UNBOUNDED)
        """Requests in flight, which count for a limit that a reload brings; that is the `slots`."""

    def limit(self, limits: Limits) -> None:
        """Set the limits; what was used counts on."""
        self.limits = limits
        self.requests = resized(RequestWindow, self.requests, limits.rpm)
        self.tokens = resized(Window, self.tokens, limits.tpm)
        most = limits.max_concurrent
        self.running.resize(UNBOUNDED if most is None else most)
        self.slots = None if most is None else self.running

    def close(self) -> None:
        """Let go of what it has of a ledger: nobody is limited by it any more."""

    def has_room(self, step: int, tokens: int) -> bool:
        """Return whether another request of so many tokens may be made."""
        return all(counter.has(step, amount) for _, counter, amount in self._amounts(tokens))

    def is_scarce(self, step: int) -> bool:
        """Return whether little is left, which those have first who do not wait."""
        slots = self.slots
        if slots is not None and slots.room(step) <= SPARE * slots.limit:
            return True
        rates = (each for each in (self.requests, self.tokens) if each is not None)
        return any(each.room(step) < SPARE * each.limit for each in rates)

    def shortage(self, step: int, tokens: int) -> Shortage:
        """Return what is missing for a request: that which takes longest to be there."""
        return longest(
            Shortage(self, of, counter.limit, in_seconds(counter.wait(step, amount)))
            for of, counter, amount in self._amounts(tokens)
            if not counter.has(step, amount)
        )

    def _amounts(self, tokens: int) -> Iterator[tuple[str, LimitCounter, int]]:
        """Yield the counters, and what a request of so many tokens takes of each."""
        if self.requests is not None:
            yield "requests", self.requests, 1
        if self.tokens is not None:
            yield "tokens", self.tokens, tokens
        if self.slots is not None:
            yield "concurrent", self.slots, 1


def resized(
    new: Callable[[int], LimitCounter], former: LimitCounter | None, limit: int | None
) -> LimitCounter | None:
    """Return a counter with a limit, the one that there is if any; None without a limit."""
    if limit is None:
        return None
    if former is None:
        return new(limit)
    former.resize(limit)
    return former


def in_seconds(steps: int | None) -> float | None:
    """Return steps as seconds."""
    return None if steps is None else steps / STEPS_PER_SECOND


def longest(found: Iterable[Shortage]) -> Shortage:
    """Return the shortage that takes longest to end."""
    return max(found, key=lambda each: inf if each.wait is None else each.wait)
