"""One name that has limits: a client, a model, a client's use of a model, a credential, a backend.

It is reserved before a request and settled after it. Tokens that are reserved count until the real
number is known, however long a stream takes; from then on the real number counts for sixty seconds.
So what is settled in a minute is above the limit by no more than what the estimates fell short.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Protocol

import msgspec

from airouter.bookkeeping.window import STEPS_PER_SECOND, Window
from airouter.config.snapshot import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable

SPARE = 0.1
"""Share of a limit that is little."""
CONCURRENT_WAIT = 1.0
"""Seconds after which a request in flight may have ended."""


class Shortage(msgspec.Struct, frozen=True):
    """Something of which a scope has not enough."""

    scope: Scope
    of: str
    """`requests`, `tokens`, or `concurrent`."""
    limit: int
    wait: float | None
    """Seconds after which there may be enough; None for a request that is larger than the limit."""


class SlidingCount(Protocol):
    """One limit, as clients are told of it."""

    limit: int

    def room(self, step: int) -> int:
        """Return what may still be used."""
        ...

    def until_idle(self, step: int) -> int:
        """Return the steps after which all of it is free."""
        ...


class Scope:
    """The requests, the tokens and the concurrency of one name."""

    __slots__ = ("held", "in_flight", "kind", "limits", "most", "name", "requests", "tokens")

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        self.limits = Limits()
        self.requests: Window | None = None
        self.tokens: Window | None = None
        self.most: float = inf
        self.in_flight = 0
        self.held = 0
        """Tokens that are reserved for requests in flight."""

    def limit(self, limits: Limits) -> None:
        """Set the limits; what was used counts on."""
        self.limits = limits
        self.requests = limited(self.requests, limits.rpm)
        self.tokens = limited(self.tokens, limits.tpm)
        self.most = inf if limits.max_concurrent is None else limits.max_concurrent

    def close(self) -> None:
        """Let go of what it has of a ledger: nobody is limited by it any more."""

    def has_room(self, step: int, tokens: int) -> bool:
        """Return whether another request of so many tokens may be made."""
        requests, window = self.requests, self.tokens
        return (
            self.in_flight < self.most
            and (requests is None or requests.room(step) > 0)
            and (window is None or window.room(step) - self.held >= tokens)
        )

    def may_have_room(self, step: int) -> bool:
        """Return whether it is worth a try to reserve a small request."""
        requests, window = self.requests, self.tokens
        if (
            self.in_flight < self.most
            and (requests is None or requests.used < requests.limit)
            and (window is None or window.used + self.held < window.limit)
        ):
            return True  # whatever is sixty seconds old by now
        return self.has_room(step, 1)

    def is_scarce(self, step: int) -> bool:
        """Return whether little is left, which those have first who do not wait."""
        requests, tokens = self.requests, self.tokens
        return (
            self.in_flight >= self.most * (1.0 - SPARE)
            or (requests is not None and requests.room(step) < SPARE * requests.limit)
            or (tokens is not None and tokens.room(step) - self.held < SPARE * tokens.limit)
        )

    def take(self, step: int, tokens: int) -> bool:
        """Reserve a request of so many tokens; False where there is no room for it."""
        requests, window = self.requests, self.tokens
        if requests is not None:
            if requests.at != step:
                requests.advance(step)
            if requests.used >= requests.limit:
                return False
        if window is not None:
            if window.at != step:
                window.advance(step)
            if window.used + self.held + tokens > window.limit:
                return False
        if self.in_flight >= self.most:
            return False
        self.in_flight += 1
        self.held += tokens
        if requests is not None:
            requests.used += 1
        return True

    def settle(self, taken_at: int, step: int, reserved: int, used: int) -> None:  # noqa: ARG002
        """End a request, reserved at a step, that used so many tokens."""
        self.in_flight -= 1
        self.held -= reserved
        window = self.tokens
        if used and window is not None:
            if window.at != step:
                window.advance(step)
            window.used += used

    def give_back(self, taken_at: int, reserved: int) -> None:
        """End a request as if it had never been made."""
        self.in_flight -= 1
        self.held -= reserved
        if self.requests is not None:
            self.requests.take_back(1, taken_at)

    def shortage(self, step: int, tokens: int) -> Shortage:
        """Return what is missing for a request: that which takes longest to be there."""
        found: list[Shortage] = []
        if self.requests is not None and self.requests.room(step) < 1:
            wait = self.requests.wait_for(1, step)
            found.append(Shortage(self, "requests", self.requests.limit, in_seconds(wait)))
        if self.tokens is not None and self.tokens.room(step) - self.held < tokens:
            found.append(self._shortage_of_tokens(self.tokens, step, tokens))
        if not found:
            return Shortage(self, "concurrent", int(self.most), CONCURRENT_WAIT)
        return longest(found)

    def counted(self) -> tuple[SlidingCount | None, SlidingCount | None]:
        """Return the requests and the tokens of sixty seconds."""
        return self.requests, self.tokens

    def need(self, step: int, tokens: int) -> bool:  # noqa: ARG002
        """Take note of a request that waits for the ledger: here it would be in vain."""
        return False

    def _shortage_of_tokens(self, window: Window, step: int, tokens: int) -> Shortage:
        if tokens > window.limit:
            return Shortage(self, "tokens", window.limit, None)
        wait = window.wait_for(tokens + self.held, step)
        # Without an answer in the window it is requests in flight that hold them.
        known = CONCURRENT_WAIT if wait is None else in_seconds(wait)
        return Shortage(self, "tokens", window.limit, known)


def limited(window: Window | None, limit: int | None) -> Window | None:
    """Return a window with a limit, the one that there is if any; None without a limit."""
    if limit is None:
        return None
    window = window or Window(limit)
    window.limit = limit
    return window


def in_seconds(steps: int | None) -> float | None:
    """Return steps as seconds."""
    return None if steps is None else steps / STEPS_PER_SECOND


def longest(found: Iterable[Shortage]) -> Shortage:
    """Return the shortage that takes longest to end."""
    return max(found, key=lambda each: inf if each.wait is None else each.wait)
