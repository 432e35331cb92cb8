"""Shares of limits that are used, as metrics tell them."""

from __future__ import annotations

from heapq import nlargest
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from airouter.bookkeeping.window import step_of
from airouter.eventloop.parts import in_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airouter.limits.scope import Scope

MOST = 200
"""Limits that are told of: those that are used most."""
AT_ONCE = 512
"""Scopes that are looked at in one turn of the event loop: some milliseconds."""


class LimitUsage(NamedTuple):
    """A limit, and the share of it that is used: above 1 where estimates fell short."""

    kind: str
    """Of the scope: `client`, `group`, `model`, and so on."""
    name: str
    limit: str
    """`requests`, `tokens` or `concurrent`."""
    share: float


async def most_used(scopes: Sequence[Scope], clock: Callable[[], float]) -> list[LimitUsage]:
    """Return the limits that are used most, the fullest first; `clock` returns seconds.

    Some at a time, as there may be many thousands.
    """
    found: list[LimitUsage] = []
    async for some in in_parts(scopes, AT_ONCE):
        step = step_of(clock())
        usages = (usage for scope in some for usage in usages_of(scope, step))
        found = nlargest(MOST, chain(found, usages), key=attrgetter("share"))
    return found


def usages_of(scope: Scope, step: int) -> Iterator[LimitUsage]:
    """Yield the limits of a scope."""
    counters = (
        ("requests", scope.requests),
        ("tokens", scope.tokens),
        ("concurrent", scope.slots),
    )
    for limit, counter in counters:
        if counter is not None and counter.limit:
            share = 1.0 - counter.room(step) / counter.limit
            yield LimitUsage(scope.kind, scope.name, limit, share)
