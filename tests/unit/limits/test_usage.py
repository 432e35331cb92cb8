"""How full limits are, as metrics tell it."""

from __future__ import annotations

import pytest

from airouter.bookkeeping.book import Book
from airouter.config.snapshot import Limits
from airouter.limits.counters import Counters
from airouter.limits.ledger.leases import Leases
from airouter.limits.scope import Scope
from airouter.limits.shared_scope import SharedScope
from airouter.limits.usage import most_used


def at_first() -> float:
    """A clock that stands."""
    return 0.0


def scope(name: str, **limits: int) -> Scope:
    made = Scope("client", name)
    made.limit(Limits(**limits))
    return made


async def test_every_limit_of_a_scope_tells_its_share() -> None:
    used = scope("a", rpm=10, tpm=100, max_concurrent=4)
    Counters((used,)).take(0, 50)
    told = await most_used([used], at_first)
    assert [(each.name, each.limit) for each in told] == [
        ("a", "tokens"),
        ("a", "concurrent"),
        ("a", "requests"),
    ]
    assert [each.share for each in told] == pytest.approx([0.5, 0.25, 0.1])


async def test_requests_at_the_same_time_are_told_where_replicas_share_their_limit() -> None:
    leases = Leases("pod", at_first)
    used = SharedScope("client", "a", leases)
    used.limit(Limits(max_concurrent=4))
    assert used.slots is not None
    ledger = Book(lambda: 1, settling=0)
    for _ in range(2):  # it asks for one, and has it
        assert used.slots is not None
        used.slots.need(0, 1)
        due = leases.due(regular=True)[0]
        message = leases.message(due, regular=True)
        answer = ledger.exchange(message)
        assert answer is not None
        leases.accept(due, message, answer)
        leases.contact.is_up = True
    assert Counters((used,)).take(0, 0)
    assert [(each.limit, each.share) for each in await most_used([used], at_first)] == [
        ("concurrent", 0.25)
    ]


async def test_a_scope_without_limits_tells_nothing() -> None:
    assert await most_used([scope("a")], at_first) == []


async def test_only_the_fullest_are_told() -> None:
    scopes = [scope(str(at), rpm=300) for at in range(300)]
    for at, each in enumerate(scopes):
        for _ in range(at):
            Counters((each,)).take(0, 0)
    found = await most_used(scopes, at_first)
    assert len(found) == 200
    assert (found[0].name, found[-1].name) == ("299", "100")
