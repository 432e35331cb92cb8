"""A link to a board goes on after whatever a turn of it fails by."""

from __future__ import annotations

import asyncio
import logging

import pytest

from airouter.bans.book import BanBook
from airouter.bans.notice import Ban, BanNews, BanNotice
from airouter.sharing.board import BoardError, RemoteBoard
from airouter.sharing.link import BanLink

DOWN = Ban("a", "gpt", "503", 60.0, 60.0, 1)
FAULTS = [BoardError("answered 500"), ValueError("what nobody has thought of")]


class FaultyBoard(RemoteBoard):
    """A board that fails once each time it is asked something else, and has one notice to read."""

    def __init__(self, fault: Exception) -> None:
        self.told: asyncio.Queue[list[BanNotice]] = asyncio.Queue()
        self._fault = fault
        self._failed: set[str] = set()

    async def tell(self, notices: list[BanNotice]) -> None:
        self._fail_once("tell")
        self.told.put_nowait(notices)

    async def listen(self, epoch: str, since: int) -> BanNews:
        self._fail_once("listen")
        if since:
            await asyncio.Event().wait()
        return BanNews("one", 1, [BanNotice("theirs", DOWN)])

    async def close(self) -> None:
        pass

    def _fail_once(self, doing: str) -> None:
        if doing not in self._failed:
            self._failed.add(doing)
            raise self._fault


@pytest.mark.parametrize("fault", FAULTS)
async def test_bans_are_heard_and_told_after_a_turn_that_failed(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    book, board = BanBook(lambda: 100.0), FaultyBoard(fault)
    book.note(DOWN)
    heard: asyncio.Queue[list[BanNotice]] = asyncio.Queue()
    with caplog.at_level(logging.INFO, "airouter.bans"):
        link = BanLink("a board", book, board, heard.put_nowait)
        try:
            async with asyncio.timeout(60):
                assert [each.id for each in await heard.get()] == ["theirs"]
                assert [each.ban for each in await board.told.get()] == [DOWN]
        finally:
            await link.close()
    assert str(fault) in caplog.text


async def test_bans_are_heard_after_news_that_could_not_be_taken_in() -> None:
    heard: asyncio.Queue[list[BanNotice]] = asyncio.Queue()
    board = FaultyBoard(BoardError("answered 500"))
    faults = [ValueError("what nobody has thought of")]

    def hear(notices: list[BanNotice]) -> None:
        heard.put_nowait(notices)
        if faults:
            raise faults.pop()

    link = BanLink("a board", BanBook(lambda: 100.0), board, hear)
    try:
        async with asyncio.timeout(60):
            for _ in range(2):
                assert [each.id for each in await heard.get()] == ["theirs"]
    finally:
        await link.close()
