"""A page of very many clients, credentials and models: nobody waits for it."""

from __future__ import annotations

from time import monotonic
from types import SimpleNamespace
from typing import cast

from airouter.bookkeeping.window import step_of
from airouter.config.snapshot import ClientKey, Limits
from airouter.limits.scope import Scope
from airouter.web.board import Audience, Board, PageBlock, PagePart
from airouter.web.page import HealthPage
from airouter.web.rows import ClientRow, LimitBar
from airouter.web.tables import client_facts
from airouter.web.view import Viewed
from support.loop_watch import loop_watched

SOME = 0.2
"""Share of the work of a page."""


def used_scope(name: str, used: int) -> Scope:
    """The limits of a client that has used so many of a hundred requests."""
    scope = Scope("client", name)
    scope.limit(Limits(rpm=100, tpm=10_000))
    for _ in range(used):
        scope.take(step_of(monotonic()), 0)
    return scope


async def test_the_fullest_of_ten_thousand_clients_are_found_bit_by_bit() -> None:
    clients = [ClientKey(f"client-{number}", "") for number in range(10_000)]
    scopes = {each.name: used_scope(each.name, int(each.name[-1:] == "7")) for each in clients}
    scopes["client-9999"] = used_scope("client-9999", 50)
    limits_of = SimpleNamespace(limits_of=lambda _kind, name: scopes[name], budgets=())
    async with loop_watched() as watch:
        found = await client_facts(cast("Viewed", limits_of), clients)
    assert len(found) == 200
    assert found[0].name == "client-9999"
    assert watch.share < SOME


async def test_a_page_of_a_thousand_cards_is_drawn_bit_by_bit() -> None:
    board = Board(HealthPage().part)
    bars = (LimitBar("rpm", "1", "100", 1),)
    cards = [ClientRow(f"client-{number}", "c", bars, 1) for number in range(1_000)]
    parts = [PagePart(each.id, "client", each) for each in cards]
    async with loop_watched() as watch:
        await board.update([PageBlock("clients", frozenset(Audience), parts)], 1)
    assert board.html("clients", Audience.OWNER).count("client-") >= 1_000
    assert watch.share < SOME
