"""The page in parts: what a viewer is told who has seen it before."""

from __future__ import annotations

import json
from typing import Any

from airouter.web.board import Audience, Board, PageBlock, PagePart

ALL = frozenset(Audience)


def board() -> Board:
    return Board(lambda macro, data: f"<{macro}>{data}")


def block(**data: object) -> PageBlock:
    return PageBlock("b", ALL, [PagePart(id_, "i", each) for id_, each in data.items()])


def told(board: Board, since: int, audience: Audience = Audience.NAMED) -> Any:
    changes = board.changes(audience, since)
    return json.loads(changes) if changes else None


async def test_who_has_seen_nothing_gets_all() -> None:
    shown = board()
    await shown.update([block(x=1, y=2)], 5)
    assert told(shown, 0) == {
        "orders": {"b": ["x", "y"]},
        "parts": {"x": "<i>1", "y": "<i>2"},
    }
    assert told(shown, 5) is None


async def test_only_what_changed_is_sent_and_a_viewer_that_missed_a_board_misses_nothing() -> None:
    shown = board()
    await shown.update([block(x=1, y=2)], 5)
    await shown.update([block(x=1, y=3)], 6)
    await shown.update([block(x=4, y=3)], 7)
    assert told(shown, 6) == {"orders": {}, "parts": {"x": "<i>4"}}
    assert told(shown, 5) == {"orders": {}, "parts": {"x": "<i>4", "y": "<i>3"}}


async def test_of_parts_that_came_and_went_only_the_new_ones_are_sent_and_the_order() -> None:
    shown = board()
    await shown.update([block(x=1, y=2)], 5)
    await shown.update([block(z=3, x=1)], 6)
    assert told(shown, 5) == {"orders": {"b": ["z", "x"]}, "parts": {"z": "<i>3"}}


async def test_a_part_that_comes_back_is_sent_again() -> None:
    shown = board()
    for tick, parts in enumerate(({"x": 1, "y": 2}, {"x": 1}, {"x": 1, "y": 2}), start=5):
        await shown.update([block(**parts)], tick)
    assert told(shown, 6) == {"orders": {"b": ["x", "y"]}, "parts": {"y": "<i>2"}}


async def test_an_audience_sees_its_own_blocks_alone() -> None:
    shown = board()
    secret = PageBlock("s", frozenset((Audience.OWNER,)), [PagePart("k", "i", "key")])
    await shown.update([block(x=1), secret], 5)
    assert "key" not in str(told(shown, 0, Audience.STRANGER))
    assert shown.html("s", Audience.NAMED) == ""
    assert told(shown, 0, Audience.OWNER)["parts"]["k"] == "<i>key"


async def test_a_part_is_made_of_new_facts_alone_and_told_only_if_it_looks_different() -> None:
    made: list[object] = []

    def make(facts: int) -> int:
        made.append(facts)
        return facts // 10

    shown = board()
    for tick, facts in enumerate((11, 11, 12, 20), start=1):
        await shown.update([PageBlock("b", ALL, [PagePart("x", "i", facts, make)])], tick)
        assert shown.html("b", Audience.NAMED) == f"<i>{facts // 10}"
        assert told(shown, tick - 1) is None or tick in {1, 4}
    assert made == [11, 12, 20]


async def test_nothing_is_drawn_that_did_not_change() -> None:
    drawn: list[object] = []

    def draw(macro: str, data: object) -> str:
        drawn.append(data)
        return ""

    shown = Board(draw)
    for tick in (1, 2, 3):
        await shown.update([block(x=1, y=tick)], tick)
    assert drawn == [1, 1, 2, 3]


async def test_a_view_that_is_shown_on_is_not_compared_again() -> None:
    class Facts:
        def __eq__(self, other: object) -> bool:
            raise AssertionError("it is compared")

        __hash__ = None  # type: ignore[assignment]  # as it is with those that compare by value

    shown, kept = board(), PageBlock("b", ALL, [PagePart("x", "i", Facts())])
    await shown.update([kept], 5)
    await shown.update([kept], 6)
    assert told(shown, 5) is None
    assert told(shown, 4)["orders"] == {"b": ["x"]}
