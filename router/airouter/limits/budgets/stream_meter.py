"""The cost of a stream as it goes: one that has eaten its reservation gets more, or ends.

The text that came is counted every now and then, not every event: the less is left the sooner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from airouter.interfaces import Surplus
from airouter.limits.budgets.budgets import in_nanodollars

if TYPE_CHECKING:
    from airouter.costs import PriceList
    from airouter.limits.budgets.budget_scope import BudgetScope
    from airouter.limits.budgets.spending import Spending

CHUNK = 256
"""Tokens for which a stream reserves at a time."""
SHORTEST = 512
"""Bytes of a stream between two looks at it."""
BYTES_PER_TOKEN = 4
"""At least, of a stream with all its framing."""


class MeteredFilter(Protocol):
    """A stream's filter, as much of it as the meter needs."""

    def feed(self, data: bytes) -> None: ...

    def tokens_so_far(self, received: int) -> int: ...

    def is_whole(self) -> bool: ...


class MeteredReply(Protocol):
    """A provider's reply, as much of it as the meter needs."""

    @property
    def size(self) -> int: ...


class StreamMeter:
    """Watches over one stream."""

    __slots__ = ("_filter", "_given", "_look_at", "_output", "_reply", "_spending", "spent")

    def __init__(
        self,
        spending: Spending,
        price: PriceList,
        tokens_in: int,
        stream_filter: MeteredFilter,
        reply: MeteredReply,
        before: int = 0,
    ) -> None:
        """`before` is the cost of what came of other backends, in billionths of a US dollar."""
        rates = price.rates_for(tokens_in)
        self._spending = spending
        self._given = before + in_nanodollars(tokens_in * rates.input)
        self._output = rates.output
        self._filter = stream_filter
        self._reply = reply
        self._look_at = SHORTEST
        self.spent: BudgetScope | None = None
        """The budget for want of which the stream is to end here."""

    def feed(self, data: bytes) -> None:
        """Pass a piece on. Raises `Surplus` where no more of them are wanted."""
        self._filter.feed(data)
        if self._reply.size >= self._look_at and not self._filter.is_whole():
            self._look()

    def _look(self) -> None:
        size, spending = self._reply.size, self._spending
        cost = self._given + in_nanodollars(self._filter.tokens_so_far(size) * self._output)
        chunk = in_nanodollars(CHUNK * self._output)
        if cost + chunk // 2 > spending.reserved:
            spent = spending.extend(max(chunk, cost + chunk - spending.reserved))
            if spent is not None and cost > spending.reserved:
                self.spent = spent
                raise Surplus("the budget has nothing left")
        tokens = 1000 * max(0, spending.reserved - cost) // max(1, 2 * self._output)
        self._look_at = size + max(SHORTEST, tokens * BYTES_PER_TOKEN)
