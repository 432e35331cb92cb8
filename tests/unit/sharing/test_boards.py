"""Boards of bans: one inside a real Redis, and one at an operator over real TLS."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec
import pytest

from airouter.bans.notice import BY_HAND, Ban, BanNotice
from airouter.sharing.board import BoardError, RemoteBoard
from airouter.sharing.operator_board import OperatorBoard
from airouter.sharing.redis_board import RedisBoard
from support.ports import free_port
from support.redis_server import PASSWORD, redis_server
from support.stream_control import KEY, stream_control

DOWN = Ban("a", "gpt", "503", 60.0, 60.0, 1)
HELD = Ban("a", "", BY_HAND, None, None, 1)

OpenBoard = Callable[[Path], AbstractAsyncContextManager[RemoteBoard]]


@contextlib.asynccontextmanager
async def redis_board(folder: Path) -> AsyncIterator[RemoteBoard]:
    with redis_server(folder) as server:
        board = RedisBoard(server.url, timeout=60.0)
        try:
            yield board
        finally:
            await board.close()


@contextlib.asynccontextmanager
async def operator_board(_: Path) -> AsyncIterator[RemoteBoard]:
    async with stream_control(hold=60.0) as operator:
        operator.publish("one", 1)
        board = OperatorBoard(operator.stream)
        try:
            yield board
        finally:
            await board.close()


@pytest.fixture(params=[redis_board, operator_board])
async def board(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RemoteBoard]:
    open_board: OpenBoard = request.param
    async with open_board(tmp_path) as board, asyncio.timeout(60):
        yield board


async def read(board: RemoteBoard) -> list[BanNotice]:
    """All that is on a board."""
    return (await board.listen("", 0)).notices


async def test_what_one_tells_another_reads_with_the_time_that_has_passed(
    board: RemoteBoard,
) -> None:
    await board.tell([BanNotice("one", DOWN, age=2.0), BanNotice("two", HELD)])
    first, second = await read(board)
    assert (first.id, first.ban.credential, first.ban.upstream_name) == ("one", "a", "gpt")
    assert first.ban.remaining is not None
    assert 0.0 < first.ban.remaining <= 60.0
    assert first.age >= 2.0
    assert second.ban == HELD


async def test_who_listens_gets_what_is_told_meanwhile_and_nothing_twice(
    board: RemoteBoard,
) -> None:
    await board.tell([BanNotice("one", DOWN)])
    news = await board.listen("", 0)
    listening = asyncio.ensure_future(board.listen(news.epoch, news.revision))
    await board.tell([BanNotice("two", HELD)])
    while not (later := await listening).notices:
        listening = asyncio.ensure_future(board.listen(news.epoch, later.revision))
    assert [each.id for each in later.notices] == ["two"]


async def test_an_older_word_does_not_replace_a_newer_one(board: RemoteBoard) -> None:
    await board.tell([BanNotice("end", DOWN, ended=True, age=1.0)])
    await board.tell([BanNotice("late", DOWN, age=5.0)])
    assert [(each.id, each.ended) for each in await read(board)] == [("end", True)]
    await board.tell([BanNotice("again", DOWN)])
    assert [(each.id, each.ended) for each in await read(board)] == [("again", False)]


async def test_a_word_that_is_told_again_is_no_news(board: RemoteBoard) -> None:
    await board.tell([BanNotice("one", DOWN, age=1.0)])
    revision = (await board.listen("", 0)).revision
    await board.tell([BanNotice("one", DOWN)])
    assert (await board.listen("", 0)).revision == revision


async def test_more_than_a_message_holds_comes_in_several(board: RemoteBoard) -> None:
    bans = [msgspec.structs.replace(DOWN, upstream_name=str(n)) for n in range(250)]
    for part in (bans[:200], bans[200:]):
        await board.tell([BanNotice(ban.upstream_name, ban) for ban in part])
    first = await board.listen("", 0)
    second = await board.listen(first.epoch, first.revision)
    ids = [each.id for each in (*first.notices, *second.notices)]
    assert ids == [str(n) for n in range(250)]


async def test_a_redis_that_is_gone_is_an_error_without_its_password() -> None:
    board = RedisBoard(f"redis://:{PASSWORD}@127.0.0.1:{free_port()}/0")
    with pytest.raises(BoardError) as failed:
        await board.tell([])
    assert PASSWORD not in str(failed.value)
    await board.close()


async def test_pods_without_the_token_are_told_nothing() -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        board = OperatorBoard(msgspec.structs.replace(operator.stream, token="wrong"))
        with pytest.raises(BoardError, match="answered 401"):
            await board.tell([BanNotice("one", DOWN)])
        assert operator.channels.bans_of(KEY) == []
        await board.close()


async def test_the_status_is_due_once_bans_begin_and_not_for_each_of_a_flood() -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        board = OperatorBoard(operator.stream)
        for number in range(20):
            await board.tell([BanNotice(str(number), DOWN)])
        assert operator.changed.get_nowait() == KEY
        assert operator.changed.empty()
        await board.close()
