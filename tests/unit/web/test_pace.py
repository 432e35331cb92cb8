"""How often credentials, models and clients are looked at, with time in the test's hand."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from airouter.telemetry.history import STEP
from airouter.web.board import PagePart
from airouter.web.pace import MANY, Rota, paced, round_of
from airouter.web.view import PageView
from support.config import manifest
from support.in_loop import Served, served

NAMES = ("main", *(f"other-{number}" for number in range(1, 10)))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def router(clock: Clock) -> AsyncIterator[Served]:
    """One that has begun at the clock's time."""
    credentials = [{"name": name, "type": "Mock", "limits": {"rpm": 10}} for name in NAMES]
    text = manifest(credentials, [{"name": "m", "backends": [{"credential": "main"}]}])
    async with served(text) as router:
        history = router.router.history
        history._clock, history.step = clock, int(clock.now / STEP)
        yield router


def cards(view: PageView) -> list[PagePart]:
    """The cards of credentials that a board would be drawn of."""
    return next(block.parts for block in view.blocks() if block.id == "credentials")


async def test_credentials_take_turns_and_each_is_read_once_a_step(
    router: Served, clock: Clock
) -> None:
    view = PageView(router.router, clock)
    read, before = [], cards(view)
    for _ in range(int(STEP)):
        clock.now += 1
        now = cards(view)
        read.append([new.id for old, new in zip(before, now, strict=True) if new is not old])
        before = now
    assert [len(each) for each in read] == [2, 2, 2, 2, 2]
    assert len({id_ for each in read for id_ in each}) == len(NAMES)


async def test_what_a_credential_does_is_seen_once_its_turn_has_come(
    router: Served, clock: Clock
) -> None:
    view = PageView(router.router, clock)
    before = cards(view)
    await router.chat()
    assert cards(view) is before
    clock.now += STEP
    assert cards(view)[0] != before[0]


async def test_a_ban_is_seen_at_once_and_so_is_its_end_and_nothing_else_is_read(
    router: Served, clock: Clock
) -> None:
    view = PageView(router.router, clock)
    before = cards(view)
    for method, state in (("POST", "suspended"), ("DELETE", "serving")):
        answer = await router.client.request(method, "/admin/bans/main")
        assert answer.is_success
        card, *others = cards(view)
        assert card.make is not None
        assert state in str(card.make(card.facts))
        assert all(new is old for old, new in zip(before[1:], others, strict=True))


async def test_another_configuration_is_seen_at_once(router: Served, clock: Clock) -> None:
    view = PageView(router.router, clock)
    cards(view)
    assert router.offer(manifest([{"name": "other", "type": "Mock"}], []))
    (card,) = cards(view)
    assert "other" in str(card.facts)


def test_the_more_there_are_the_more_rarely_they_are_looked_at() -> None:
    assert [paced(step, MANY - 1) for step in range(4)] == [0, 1, 2, 3]
    assert [paced(step, MANY) for step in range(4)] == [0, 0, 1, 1]
    assert [paced(step, 9 * MANY) for step in (9, 10, 19, 20)] == [0, 1, 1, 2]
    assert [round_of(count) for count in (MANY - 1, MANY, 9 * MANY)] == [5.0, 10.0, 50.0]


def test_turns_miss_nobody_however_rarely_they_are_asked_for() -> None:
    rota = Rota(7, 5.0)
    assert rota.due(100.0) == frozenset(range(7))
    seen = [rota.due(now) for now in (100.4, 101.9, 103.2, 105.0)]
    assert frozenset.union(*map(frozenset, seen)) == frozenset(range(7))
    assert sum(map(len, seen)) == 7
    assert rota.due(111.0) == frozenset(range(7))
    assert rota.due(111.0) == frozenset()


def test_of_nothing_nothing_is_due() -> None:
    rota = Rota(0, 5.0)
    assert not rota.due(1.0)
    assert not rota.due(9.0)
