"""What every store does, each on its real backend, and how each fails."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from airouter.config.snapshot import ResponseStorage
from airouter.state.absent import NoStore
from airouter.state.base import Store, StoreError
from airouter.state.breaker import MOST_TIMEOUTS, PAUSE
from airouter.state.factory import open_store
from airouter.state.memory import MemoryStore
from airouter.state.redis import RedisStore
from airouter.state.sqlite import MOST_IN_THREAD, SQLiteStore
from support.redis_server import PASSWORD, RedisServer, redis_server


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture(params=["Memory", "SQLite", "Redis"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, server: RedisServer
) -> AsyncIterator[Store]:
    kind = ResponseStorage(type=request.param, ttl=60.0, max_entries=100)
    opened = open_store(kind, server.url, tmp_path / "kept.sqlite")
    try:
        yield opened
    finally:
        await opened.close()


async def test_what_is_put_is_found_until_it_is_deleted(store: Store) -> None:
    await store.put("a", b"1")
    await store.put("b", b"\x00\xff" * 1000)
    assert await store.get(["b", "nobody", "a"]) == [b"\x00\xff" * 1000, None, b"1"]
    await store.put("a", b"2")
    assert await store.get(["a"]) == [b"2"]
    await store.delete(["a", "b", "nobody"])
    assert await store.get(["a", "b"]) == [None, None]
    assert await store.get([]) == []
    await store.delete([])


async def test_changes_at_the_same_time_are_all_made(store: Store) -> None:
    await store.put("n", b"")
    await asyncio.gather(*(store.update("n", lambda data: (data or b"") + b"x") for _ in range(8)))
    assert await store.get(["n"]) == [b"x" * 8]
    assert await store.update("n", lambda _data: None) is None
    assert await store.get(["n"]) == [None]


async def test_a_change_that_fails_changes_nothing(store: Store) -> None:
    def fail(data: bytes | None) -> bytes | None:
        raise LookupError("not today")

    await store.put("k", b"1")
    with pytest.raises(LookupError):
        await store.update("k", fail)
    assert await store.get(["k"]) == [b"1"]


async def test_nothing_is_kept_where_nothing_is_to_be_kept(tmp_path: Path) -> None:
    store = open_store(ResponseStorage(type="None"), None, tmp_path / "kept.sqlite")
    assert isinstance(store, NoStore)
    await store.put("a", b"1")
    assert await store.get(["a"]) == [None]
    assert await store.update("a", lambda data: data) is None
    await store.delete(["a"])
    await store.close()


def test_redis_needs_its_url(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"spec\.redis"):
        open_store(ResponseStorage(type="Redis"), None, tmp_path)


@pytest.mark.parametrize("kind", [MemoryStore, SQLiteStore])
async def test_values_end_so_long_after_they_were_last_read(kind: type, tmp_path: Path) -> None:
    clock = Clock()
    place = () if kind is MemoryStore else (tmp_path / "kept.sqlite",)
    store: Store = kind(*place, ttl=10.0, max_entries=100, clock=clock)
    await store.put("read", b"1")
    await store.put("left", b"1")
    clock.now += 8
    assert await store.get(["read"]) == [b"1"]
    clock.now += 8
    assert await store.get(["read", "left"]) == [b"1", None]
    await store.close()


async def test_memory_is_bounded_by_entries_and_by_bytes() -> None:
    store = MemoryStore(60.0, max_entries=3)
    for key in "abcd":
        await store.put(key, b"1")
    assert await store.get(list("abcd")) == [None, b"1", b"1", b"1"]
    small = MemoryStore(60.0, max_entries=100, max_bytes=100)
    await small.put("a", b"x" * 60)
    await small.put("b", b"x" * 60)
    assert await small.get(["a", "b"]) == [None, b"x" * 60]
    with pytest.raises(StoreError, match="larger than the store"):
        await small.put("c", b"x" * 100)


async def test_sqlite_keeps_so_many(tmp_path: Path) -> None:
    clock = Clock()
    store = SQLiteStore(tmp_path / "kept.sqlite", 60.0, 50, clock)
    for number in range(101):  # the hundred and first write sweeps
        clock.now += 0.01
        await store.put(f"k{number}", b"1")
    found = await store.get([f"k{number}" for number in range(101)])
    assert found == [None] * 51 + [b"1"] * 50
    await store.close()


async def test_sqlite_is_shared_by_processes_and_private_to_them(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    one, two = SQLiteStore(path, 60.0, 100), SQLiteStore(path, 60.0, 100)
    await one.put("k", b"1")
    assert await two.get(["k"]) == [b"1"]
    assert path.stat().st_mode & 0o777 == 0o600
    await one.close()
    await two.close()


async def test_sqlite_says_what_is_wrong_and_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    store = SQLiteStore(folder / "kept.sqlite", 60.0, 100)
    with pytest.raises(StoreError, match="No such file"):
        await store.put("k", b"1")
    folder.mkdir()
    await store.put("k", b"1")
    assert await store.get(["k"]) == [b"1"]
    await store.close()


async def test_sqlite_refuses_a_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    store = SQLiteStore(path, 60.0, 100)
    for _ in range(MOST_TIMEOUTS + 1):  # an error is an answer
        with pytest.raises(StoreError, match="not a database"):
            await store.get(["k"])
    await store.close()


async def test_sqlite_on_a_full_disk_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    store = SQLiteStore(path, 60.0, 100)
    await store.put("small", b"1")
    assert store._database is not None
    store._database.execute("PRAGMA max_page_count = 10")
    with pytest.raises(StoreError, match="full"):
        await store.put("large", b"x" * 1_000_000)
    assert await store.get(["small", "large"]) == [b"1", None]
    await store.close()


async def test_sqlite_that_may_only_be_read_refuses(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    store = SQLiteStore(path, 60.0, 100)
    await store.put("k", b"1")
    await store.close()
    store = SQLiteStore(path, 60.0, 100)
    store._database = sqlite3.connect(
        f"file:{path}?mode=ro", uri=True, check_same_thread=False, isolation_level=None
    )
    with pytest.raises(StoreError, match="readonly"):
        await store.put("k", b"2")
    await store.close()


@contextlib.contextmanager
def hanging(store: SQLiteStore) -> Iterator[None]:
    """Meanwhile SQLite stands still within each statement, and a call soon counts as in vain."""
    thaws = threading.Event()
    assert store._database is not None
    store._database.set_progress_handler(lambda: not thaws.wait(), 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("airouter.state.sqlite.PATIENCE", 0.1)
        try:
            yield
        finally:
            thaws.set()


async def test_nobody_waits_for_a_disk_that_hangs_until_one_finds_it_well(tmp_path: Path) -> None:
    clock = Clock()
    store = SQLiteStore(tmp_path / "kept.sqlite", 60.0, 100, stopwatch=clock)
    await store.put("k", b"1")
    with hanging(store):
        for _ in range(MOST_TIMEOUTS):
            with pytest.raises(StoreError, match="did not answer in time"):
                await store.get(["k"])
        with pytest.raises(StoreError, match="does not answer"):
            await store.get(["k"])
    clock.now += PAUSE
    with pytest.raises(LookupError):  # an error is an answer
        await store.update("k", no_such_item)
    assert await store.get(["k"]) == [b"1"]
    await store.put("k", b"3")
    await store.close()


def no_such_item(_: bytes | None) -> bytes:
    raise LookupError


async def test_what_a_disk_that_hangs_left_undone_does_not_pile_up(tmp_path: Path) -> None:
    clock = Clock()
    store = SQLiteStore(tmp_path / "kept.sqlite", 60.0, 100, stopwatch=clock)
    await store.put("k", b"1")
    with hanging(store):
        puts = (store.put("k", b"2") for _ in range(2 * MOST_IN_THREAD))
        ends = await asyncio.gather(*puts, return_exceptions=True)
        assert all(isinstance(end, StoreError) for end in ends)
        for _ in range(MOST_TIMEOUTS):
            clock.now += PAUSE
            with pytest.raises(StoreError, match="did not answer in time"):
                await store.put("k", b"3")
        assert store._thread._work_queue.qsize() < MOST_IN_THREAD
    clock.now += PAUSE
    assert await store.get(["k"]) == [b"2"]
    await store.close()


async def test_redis_that_is_gone_is_told_without_its_password_and_comes_back(
    tmp_path: Path,
) -> None:
    with redis_server(tmp_path) as server:
        store = RedisStore(server.url, 60.0)
        await store.put("k", b"1")
        server.stop()
        for attempt in (
            store.get(["k"]),
            store.put("k", b"1"),
            store.delete(["k"]),
            store.update("k", lambda data: data),
        ):
            with pytest.raises(StoreError) as caught:
                await attempt
            assert PASSWORD not in str(caught.value)
            assert str(server.port) not in str(caught.value)
        server.start()
        await store.put("k", b"2")
        assert await store.get(["k"]) == [b"2"]
        await store.close()


async def test_nobody_waits_for_a_redis_that_keeps_silent_until_one_finds_it_well(
    tmp_path: Path,
) -> None:
    clock = Clock()
    with redis_server(tmp_path) as server:
        store = RedisStore(server.url, 60.0, clock=clock)
        await store.put("k", b"1")
        server.freeze()
        waits = (store.get(["k"]) for _ in range(MOST_TIMEOUTS))
        ends = await asyncio.gather(*waits, return_exceptions=True)
        assert all(isinstance(end, StoreError) for end in ends)
        with pytest.raises(StoreError, match="does not answer"):
            await asyncio.wait_for(store.get(["k"]), 30)
        server.thaw()
        clock.now += PAUSE
        assert await store.get(["k"]) == [b"1"]
        await store.put("k", b"3")
        await store.close()


@pytest.mark.parametrize(
    "reply",
    [b"*1\r\n" * 5_000 + b":1\r\n", b"*1\r\n:7\r\n", b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", b":1\r\n"],
    ids=["nested", "numbers", "too many", "no list"],
)
async def test_a_reply_of_redis_that_cannot_be_one_is_a_broken_store(reply: bytes) -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line.lower() in (b"mget\r\n", b"expire\r\n"):
                writer.write(reply if line.lower() == b"mget\r\n" else b":1\r\n")
            elif line.lower() in (b"client\r\n", b"hello\r\n"):
                writer.write(b"+OK\r\n")
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    store = RedisStore(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0", 60.0)
    with pytest.raises(StoreError):
        await store.get(["k"])
    await store.close()
    server.close()


async def test_a_tenant_that_stores_very_much_loses_its_own_values() -> None:
    store = MemoryStore(60.0, 100, 10_000)
    await store.put("response:modest:1", b"x" * 100)
    for n in range(300):
        await store.put(f"response:greedy:{n}", b"x")
    for n in range(20):
        await store.put(f"events:large:{n}", b"x" * 2_000)
    found = await store.get(["response:modest:1", "response:greedy:0", "events:large:19"])
    assert found == [b"x" * 100, None, b"x" * 2_000]
