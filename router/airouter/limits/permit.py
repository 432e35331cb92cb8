"""The reservation of one request, or of one attempt at a backend."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from airouter.bookkeeping.window import step_of
from airouter.limits.estimates import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airouter.limits.estimates import TokenEstimate
    from airouter.limits.scope import Scope

    Clock = Callable[[], float]


class Permit:
    """A reservation in several scopes; to be ended once, however the request ends."""

    __slots__ = ("_clock", "_learns", "_scopes", "_step", "estimate", "own")

    def __init__(
        self,
        scopes: Sequence[Scope],
        step: int,
        estimate: TokenEstimate,
        own: Sequence[Scope] = (),
        clock: Clock = monotonic,
        *,
        learns: bool = True,
    ) -> None:
        """`learns` is False where another permit of the request has the same estimate."""
        self._scopes = scopes
        self._step = step
        self._clock = clock
        self._learns = learns
        self.estimate = estimate
        self.own = own
        """The scopes that are the client's alone: their numbers are for it to see."""

    def settle(self, tokens_in: int, tokens_out: int) -> None:
        """End a request that used so many tokens."""
        scopes, self._scopes = self._scopes, ()
        estimate, taken_at, step = self.estimate, self._step, step_of(self._clock())
        if tokens_in and self._learns and estimate.by_size:
            estimate.compare(tokens_in, tokens_out)
        reserved, used = estimate.tokens, tokens_in + tokens_out
        for scope in scopes:
            scope.settle(taken_at, step, reserved, used)

    def settle_as_estimated(self) -> None:
        """End a request whose tokens its provider did not tell."""
        scopes, self._scopes = self._scopes, ()
        step, tokens = step_of(self._clock()), self.estimate.tokens
        for scope in scopes:
            scope.settle(self._step, step, tokens, tokens)

    def give_back(self) -> None:
        """End a request that nobody has answered: it costs nothing."""
        scopes, self._scopes = self._scopes, ()
        for scope in scopes:
            scope.give_back(self._step, self.estimate.tokens)


FREE = Permit((), 0, NOTHING)
"""The permit of what has no limits, which keeps nothing."""
