"""How often credentials, models and clients are looked at, with time in the test's hand."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from airouter.telemetry.history import STEP
from airouter.web.board import PagePart
from airouter.web.pace import MANY, paced
from airouter.web.view import PageView
from support.config import manifest
from support.in_loop import Served, served


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
    credential = {"name": "main", "type": "Mock", "limits": {"rpm": 10}}
    text = manifest([credential], [{"name": "m", "backends": [{"credential": "main"}]}])
    async with served(text) as router:
        history = router.router.history
        history._clock, history.step = clock, int(clock.now / STEP)
        yield router


def cards(view: PageView) -> list[PagePart]:
    """The cards of credentials that a board would be drawn of."""
    return next(block.parts for block in view.blocks() if block.id == "credentials")


async def test_numbers_of_credentials_are_read_once_a_step(router: Served, clock: Clock) -> None:
    view = PageView(router.router)
    before = cards(view)
    await router.chat()
    clock.now += STEP - 1
    assert cards(view) is before
    clock.now += 1
    assert cards(view) != before


async def test_a_ban_is_seen_at_once_and_so_is_its_end(router: Served) -> None:
    view = PageView(router.router)
    cards(view)
    for method, state in (("POST", "suspended"), ("DELETE", "serving")):
        answer = await router.client.request(method, "/admin/bans/main")
        assert answer.is_success
        (card,) = cards(view)
        assert card.make is not None
        assert state in str(card.make(card.facts))


async def test_another_configuration_is_seen_at_once(router: Served) -> None:
    view = PageView(router.router)
    cards(view)
    assert router.offer(manifest([{"name": "other", "type": "Mock"}], []))
    (card,) = cards(view)
    assert "other" in str(card.facts)


def test_the_more_there_are_the_more_rarely_they_are_looked_at() -> None:
    assert [paced(step, MANY - 1) for step in range(4)] == [0, 1, 2, 3]
    assert [paced(step, MANY) for step in range(4)] == [0, 0, 1, 1]
    assert [paced(step, 9 * MANY) for step in (9, 10, 19, 20)] == [0, 1, 1, 2]
