"""Shares of limits that are used, as metrics tell them."""

from __future__ import annotations

from heapq import nlargest
from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airouter.limits.scope import Scope

MOST = 200
"""Limits that are told of: those that are used most."""


class LimitUsage(NamedTuple):
    """A limit, and the share of it that is used: above 1 where estimates fell short."""

    kind: str
    """Of the scope: `client`, `group`, `model`, and so on."""
    name: str
    limit: str
    """`requests`, `tokens` or `concurrent`."""
    share: float


def most_used(scopes: Iterable[Scope], step: int) -> list[LimitUsage]:
    """Return the limits that are used most at a step, the fullest first."""
    found = (usage for scope in list(scopes) for usage in usages_of(scope, step))
    return nlargest(MOST, found, key=lambda usage: usage.share)


def usages_of(scope: Scope, step: int) -> Iterator[LimitUsage]:
    """Yield the limits of a scope."""
    requests, tokens = scope.counted()
    if requests is not None and requests.limit:
        share = 1.0 - requests.room(step) / requests.limit
        yield LimitUsage(scope.kind, scope.name, "requests", share)
    if tokens is not None and tokens.limit:
        share = 1.0 - (tokens.room(step) - scope.held) / tokens.limit
        yield LimitUsage(scope.kind, scope.name, "tokens", share)
    if scope.most not in {inf, 0}:
        share = scope.in_flight / scope.most
        yield LimitUsage(scope.kind, scope.name, "concurrent", share)
