"""All that a request takes of limits, in one pass, and all that it ends with, in another.

A client, its use of a model, its groups, the model, a credential and a backend have up to three
limits each. Which of them bind a request is known before it comes, so they lie ready in rows; and
each is a counter with plain numbers (`bookkeeping/limit_counter.py`), so a pass calls nothing while
there is enough. That is the innermost of the hot path: `benchmarks/limits.py` has its bar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.limits.ledger.lease import RequestLease

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.bookkeeping.limit_counter import LimitCounter
    from airouter.limits.scope import Scope

    Scopes = tuple[Scope, ...]


class Counters:
    """The counters of several scopes, by what a request takes of each."""

    __slots__ = (
        "_leases",
        "_requests",
        "_running",
        "_slots",
        "_tokens",
        "limit_tokens",
        "own",
        "scopes",
        "spared",
    )

    def __init__(
        self, scopes: Scopes, own: Scopes = (), spared: Scopes = (), *, is_part: bool = False
    ) -> None:
        """`own` are the client's alone, whose numbers are for it to see.

        `spared` are those of which it leaves the last to others. `is_part` leaves tokens alone.
        """
        self.scopes = tuple(dict.fromkeys(scopes))
        self.own = own
        self.spared = spared
        # Each row has counters of one class, as Python reads the numbers of these fastest.
        whole = () if is_part else self.scopes
        self._requests = tuple(each.requests for each in whole if each.requests is not None)
        self._slots = tuple(each.slots for each in whole if each.slots is not None)
        self._running = tuple(each.running for each in whole if each.slots is None)
        """Those that are counted for a limit that there may be later."""
        self._tokens = tuple(each.tokens for each in self.scopes if each.tokens is not None)
        self._leases = tuple(each for each in self._requests if isinstance(each, RequestLease))
        """Those that are told of a request's end."""
        self.limit_tokens = bool(self._tokens)

    def part(self) -> Counters:
        """Return those that a part of a request takes of, which has its place: tokens alone."""
        return Counters(self.scopes, self.own, is_part=True)

    def take(self, step: int, tokens: int) -> bool:  # noqa: C901  # it calls nothing
        """Reserve a request of so many tokens; False where there is no room for it."""
        for requests in self._requests:
            if (requests.at != step or requests.left < 1) and not requests.has(step, 1):
                return False
        for slots in self._slots:
            if (slots.at != step or slots.left < 1) and not slots.has(step, 1):
                return False
        for counter in self._tokens:
            if (counter.at != step or counter.left < tokens) and not counter.has(step, tokens):
                return False
        for requests in self._requests:
            requests.left -= 1
            requests.taken += 1
        for slots in self._slots:
            slots.left -= 1
            slots.taken += 1
        for running in self._running:
            running.left -= 1
        for counter in self._tokens:
            counter.left -= tokens
            counter.taken += tokens
        return True

    def settle(self, taken_at: int, step: int, reserved: int, used: int) -> None:
        """End a request, reserved at a step, that used so many tokens."""
        for slots in self._slots:
            slots.left += 1
        for running in self._running:
            running.left += 1
        for lease in self._leases:
            lease.ended[taken_at] = lease.ended.get(taken_at, 0) + 1
        unused = reserved - used
        for tokens in self._tokens:
            if tokens.at != step:
                tokens.advance(step)
            tokens.left += unused
            tokens.spent += used

    def give_back(self, taken_at: int, reserved: int) -> None:
        """End a request as if it had never been made."""
        for counter, amount in self.amounts(reserved):
            counter.give_back(taken_at, amount)
        for running in self._running:
            running.left += 1

    def amounts(self, tokens: int) -> Iterator[tuple[LimitCounter, int]]:
        """Yield the counters, and what a request of so many tokens takes of each."""
        for single in (*self._requests, *self._slots):
            yield single, 1
        for counter in self._tokens:
            yield counter, tokens

    def may_have_room(self, step: int) -> bool:
        """Return whether it is worth a try to reserve a small request."""
        for row in (self._requests, self._slots, self._tokens):
            for counter in row:
                if counter.left < 1 and not (counter.has(step, 1) or counter.may_get(step, 1)):
                    return False
        return True


NO_COUNTERS = Counters(())
