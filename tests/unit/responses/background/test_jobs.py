"""Jobs in the background: what they leave when their store, their client or their router fails."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airouter.bounds.held_bytes import HeldBytes, Holding
from airouter.eventloop.turns import Turns
from airouter.failures import Failure
from airouter.responses.background.job import LARGE_BATCH
from airouter.responses.background.jobs import MOST_JOBS, Jobs
from airouter.responses.background.progress import DEAD_AFTER
from airouter.responses.records import Archive, StoredResponse
from airouter.state.base import Change, StoreError
from airouter.state.memory import MemoryStore
from airouter.state.sqlite import SQLiteStore

if TYPE_CHECKING:
    from airouter.interfaces import Exchange
    from airouter.responses.caller import Caller

ID = "resp_1"


class Fickle(MemoryStore):
    """Works, does not work, or takes its time."""

    def __init__(self) -> None:
        super().__init__(60.0, 1_000)
        self.works = True
        self.may_put = asyncio.Event()
        self.may_put.set()
        self.putting = asyncio.Event()
        self.refused = 0

    @property
    def keys(self) -> list[str]:
        return list(self._entries)

    @property
    def words(self) -> int:
        """How many words of a model are stored."""
        return sum(entry.value.count(b'"delta":') for entry in self._entries.values())

    async def put(self, key: str, value: bytes) -> None:
        self._check()
        self.putting.set()
        await self.may_put.wait()
        await super().put(key, value)

    async def update(self, key: str, change: Change) -> bytes | None:
        self._check()
        return await super().update(key, change)

    def _check(self) -> None:
        if not self.works:
            self.refused += 1
            raise StoreError("out of order")


class Model:
    """Streams as many words as it is let."""

    def __init__(self) -> None:
        self.words: asyncio.Queue[str | None] = asyncio.Queue()
        self.began = asyncio.Event()

    async def serve(self, exchange: Exchange, caller: Caller) -> None:
        self.began.set()
        exchange.start(200, [])
        number = 0
        while (word := await self.words.get()) is not None:
            exchange.write(event("response.output_text.delta", number, delta=word))
            number += 1
        exchange.write(event("response.completed", number, response=response("completed")))
        await exchange.keep(StoredResponse(ID, json.dumps(response("completed")).encode()))  # type: ignore[attr-defined]


def response(status: str) -> dict[str, Any]:
    return {"id": ID, "status": status, "background": True, "output": []}


def event(name: str, number: int, **fields: Any) -> bytes:
    data = json.dumps({"type": name, "sequence_number": number, **fields}, separators=(",", ":"))
    return f"event: {name}\ndata: {data}\n\n".encode()


def queued(id_: str = ID, age: float = 0.0) -> StoredResponse:
    said = json.dumps({**response("queued"), "id": id_}).encode()
    return StoredResponse(id_, said, beat=time.time() - age)


def turns() -> Turns:
    return Turns(asyncio.get_running_loop())


def recalled(limit: int = 1_000_000) -> Holding:
    return HeldBytes(limit).hold("a", 0)


async def followed(jobs: Jobs, archive: Archive, after: int = -1) -> list[dict[str, Any]]:
    async with asyncio.timeout(60):
        data = b"".join([piece async for piece in jobs.follow(archive, ID, after)])
    return [json.loads(line[6:]) for line in data.decode().split("\n") if line[:6] == "data: "]


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not happened():
            await asyncio.sleep(0.01)


def kinds(events: Sequence[dict[str, Any]]) -> list[str]:
    return [each["type"].removeprefix("response.") for each in events]


async def test_more_jobs_than_there_may_be_are_refused_also_when_they_come_at_once(
    tmp_path: Path,
) -> None:
    store = SQLiteStore(tmp_path / "kept.sqlite", 60.0, 1_000)
    archive = Archive(store, "a", turns(), recalled())
    jobs = Jobs(Model().serve)
    most = MOST_JOBS // 2
    starts = (
        jobs.start({}, b"", queued(f"resp_{n}"), archive, recalled()) for n in range(most + 5)
    )
    ends = await asyncio.gather(*starts, return_exceptions=True)
    assert [each.status for each in ends if isinstance(each, Failure)] == [429] * 5
    await jobs.start(
        {}, b"", queued("resp_of_another"), Archive(store, "b", turns(), recalled()), recalled()
    )
    await jobs.close()
    await store.close()


async def test_a_long_stream_takes_few_places_and_is_followed_without_gaps() -> None:
    store, model = Fickle(), Model()
    archive, jobs = Archive(store, "a", turns(), recalled()), Jobs(model.serve)
    await jobs.start({}, b"", queued(), archive, recalled())
    following = asyncio.create_task(followed(jobs, archive))
    for written in range(6):
        for _ in range(100):
            model.words.put_nowait("x" * (LARGE_BATCH // 400))
        await until(lambda words=written * 100: store.words > words)  # type: ignore[misc]
    model.words.put_nowait(None)
    events = await following
    assert [each["sequence_number"] for each in events] == list(range(601))
    assert len(store.keys) <= 5
    assert await followed(jobs, archive, 598) == events[599:]
    assert await followed(jobs, archive, 600) == []


async def test_a_store_that_fails_for_a_moment_costs_no_response() -> None:
    store, model = Fickle(), Model()
    archive, jobs = Archive(store, "a", turns(), recalled()), Jobs(model.serve)
    await jobs.start({}, b"", queued(), archive, recalled())
    store.works = False
    model.words.put_nowait("Hello")
    await until(lambda: store.refused > 1)
    store.works = True
    model.words.put_nowait(None)
    assert kinds(await followed(jobs, archive)) == ["output_text.delta", "completed"]


async def test_a_second_cancellation_does_not_cut_what_the_first_one_writes() -> None:
    store, model = Fickle(), Model()
    archive, jobs = Archive(store, "a", turns(), recalled()), Jobs(model.serve)
    await jobs.start({}, b"", queued(), archive, recalled())
    model.words.put_nowait("Hello")
    await until(lambda: store.words > 0)
    store.may_put.clear()
    store.putting.clear()
    first = asyncio.create_task(jobs.cancel(archive, ID))
    await asyncio.wait_for(store.putting.wait(), 60)
    await asyncio.wait({asyncio.create_task(jobs.cancel(archive, ID))}, timeout=0.1)
    await asyncio.wait({asyncio.create_task(jobs.close())}, timeout=0.1)
    store.may_put.set()
    await asyncio.wait_for(first, 60)
    events = await followed(jobs, archive)
    assert kinds(events) == ["output_text.delta", "failed"]
    assert events[-1]["response"]["status"] == "cancelled"
    assert (await archive.find(ID)).events == 1


async def test_the_stream_of_one_whose_router_died_ends_with_its_failure() -> None:
    archive, jobs = Archive(Fickle(), "a", turns(), recalled()), Jobs(Model().serve)
    record = queued(age=DEAD_AFTER + 1)
    record.events = 1
    await archive.keep_events(ID, 0, event("response.in_progress", 0))
    await archive.keep(record)
    events = await followed(jobs, archive)
    assert kinds(events) == ["in_progress", "failed"]
    assert events[-1]["sequence_number"] == 1
    assert events[-1]["response"]["error"]["code"] == "server_error"


async def test_one_that_is_deleted_leaves_nothing_behind() -> None:
    store, model = Fickle(), Model()
    archive, jobs = Archive(store, "a", turns(), recalled()), Jobs(model.serve)
    await jobs.start({}, b"", queued(), archive, recalled())
    await model.began.wait()
    await archive.forget(ID)
    model.words.put_nowait(None)
    await until(lambda: not jobs._running)
    assert not [key for key in store.keys if key.startswith("response")]
