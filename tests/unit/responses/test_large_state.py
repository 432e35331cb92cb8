"""What a request makes of large state is made beside the event loop, or bit by bit."""

from __future__ import annotations

import asyncio
import threading
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import msgspec
import pytest

from airouter.bounds.held_bytes import HeldBytes
from airouter.eventloop.aside import MOST_WAITING, Aside
from airouter.eventloop.turns import Turns
from airouter.failures import Failure
from airouter.responses.conversations import ConversationAppender, Conversations
from airouter.responses.page import Page
from airouter.responses.records import Archive, StoredResponse
from airouter.responses.references import with_references_resolved
from airouter.state.memory import MemoryStore
from support.loop_watch import loop_watched

MIB = 1 << 20
LONG = b"hello world " * 33_000
ITEM = b'{"type":"message","id":"msg_%04d","role":"user","content":"%b"}'
REFERENCE = b'{"type":"item_reference","id":"msg_%04d"}'
SOME = 0.3
"""Share of the work that is one item's, or one copy of all: half of it was done in one go."""


Read = Callable[[], Awaitable[object]]
Ask = Callable[[Conversations, str], Coroutine[Any, Any, object]]


@pytest.fixture
async def aside() -> AsyncIterator[Aside]:
    made = Aside()
    yield made
    await made.close()


async def test_references_to_large_items_are_replaced_beside_the_loop(aside: Aside) -> None:
    items = [ITEM % (number, LONG) for number in range(50)]
    row = b",".join([*items, *(REFERENCE % number for number in range(50))])
    archive = archive_in(HeldBytes(1 << 30))
    recalled = HeldBytes(1 << 30).hold("t", 0)
    async with loop_watched() as watch:
        resolved = await with_references_resolved(row, archive, aside, recalled, all_here=True)
    assert resolved == b",".join(items * 2)
    assert watch.share < SOME


def archive_in(held: HeldBytes) -> Archive:
    """Return an empty archive whose reading is held."""
    turns = Turns(asyncio.get_running_loop())
    return Archive(MemoryStore(60.0, 100), "t", turns, held.hold("t", 0))


async def long_talk(aside: Aside) -> tuple[Conversations, str]:
    """Store a conversation of 16 MB, and return its id."""
    turns, held = Turns(asyncio.get_running_loop()), HeldBytes(1 << 30).hold("t", 0)
    talks = Conversations(MemoryStore(60.0, 100), "t", turns, aside, held)
    made = await talks.create({}, [])
    for number in range(0, 40, 20):
        items = [msgspec.Raw(ITEM % (number + each, LONG)) for each in range(20)]
        await talks.extend(made.id, items)
    return talks, made.id


async def listed(talks: Conversations, id_: str) -> object:
    return await talks.page(id_, Page(limit=1))


async def found(talks: Conversations, id_: str) -> object:
    return await talks.item(id_, "msg_0039")


@pytest.mark.parametrize("ask", [listed, found])
async def test_items_of_a_large_conversation_are_read_beside_the_loop(
    ask: Ask, aside: Aside
) -> None:
    talks, id_ = await long_talk(aside)
    async with loop_watched() as watch:
        await ask(talks, id_)
    assert watch.share < SOME


@pytest.mark.parametrize("ask", [listed, found])
async def test_what_clients_want_of_large_conversations_is_held_while_it_waits(
    ask: Ask, aside: Aside
) -> None:
    turns, store, held = Turns(asyncio.get_running_loop()), MemoryStore(60.0, 100), HeldBytes(MIB)
    begun, opened = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def occupy() -> None:
        loop.call_soon_threadsafe(begun.set)
        assert opened.wait(60)

    def talks() -> Conversations:
        return Conversations(store, "t", turns, aside, held.hold("t", 0))

    made = await talks().create({}, [msgspec.Raw(ITEM % (39, b"x" * (MIB // 6)))])
    working = asyncio.create_task(aside.run(occupy))
    try:
        async with asyncio.timeout(60):
            await begun.wait()
            asking = [asyncio.create_task(ask(talks(), made.id)) for _ in range(5)]
            refused, waiting = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    finally:
        opened.set()
    assert all(isinstance(task.exception(), Failure) for task in refused)
    await working
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert not isinstance(outcomes[0], Failure)
    assert held.held == 0
    assert waiting


async def removed(talks: Conversations, id_: str) -> object:
    return await talks.remove(id_, "msg_0039")


async def described(talks: Conversations, id_: str) -> object:
    return await talks.describe(id_, {"a": "b"})


@pytest.mark.parametrize("change", [removed, described])
async def test_a_large_conversation_is_copied_once_for_a_change(change: Ask, aside: Aside) -> None:
    talks, id_ = await long_talk(aside)
    size = (await talks.find(id_)).size
    tracemalloc.start()
    try:
        await change(talks, id_)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2 * size  # a bytes object has spare room while it grows


async def test_a_change_of_a_record_leaves_its_items_uncopied_but_once() -> None:
    archive = archive_in(HeldBytes(1 << 30))
    items = ITEM % (0, LONG * 40)
    await archive.keep(StoredResponse("resp_1", b"{}", items, b"before", ("resp_0",), "m"))

    def beat(record: StoredResponse) -> StoredResponse:
        record.beat = 7.0
        return record

    tracemalloc.start()
    try:
        told = await archive.change("resp_1", beat)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (told.beat, told.items) == (7.0, b"")
    assert await archive.find("resp_1") == StoredResponse(
        "resp_1", b"{}", items, b"before", ("resp_0",), "m", beat=7.0
    )
    assert most < 2 * len(items)  # a bytes object has spare room while it grows


async def test_an_answer_comes_into_its_conversation_however_many_others_wait(
    aside: Aside,
) -> None:
    talks, id_ = await long_talk(aside)
    begun, may_end = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def blocked() -> None:
        loop.call_soon_threadsafe(begun.set)
        may_end.wait(60)

    others = [asyncio.create_task(aside.run(blocked))]
    try:
        await begun.wait()
        others += [asyncio.create_task(aside.run(lambda: None)) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        answer = b'{"output":[%b]}' % (ITEM % (99, LONG))
        adding = asyncio.create_task(
            ConversationAppender(talks, id_).append(ITEM % (98, b""), answer)
        )
        await asyncio.sleep(0)
    finally:
        may_end.set()
    await asyncio.gather(adding, *others)
    assert await talks.item(id_, "msg_0099")


async def large_record(held: HeldBytes, aside: Aside) -> Read:
    """Store a large response; returns what reads it."""
    archive = archive_in(held)
    await archive.keep(StoredResponse("resp_1", b"x" * (MIB // 2)))
    return lambda: archive.find("resp_1")


async def large_conversation(held: HeldBytes, aside: Aside) -> Read:
    """Store a large conversation; returns what reads it."""
    turns = Turns(asyncio.get_running_loop())
    talks = Conversations(MemoryStore(60.0, 100), "t", turns, aside, held.hold("t", 0))
    made = await talks.create({}, [msgspec.Raw(ITEM % (0, b"x" * MIB))])
    return lambda: talks.find(made.id)


@pytest.mark.parametrize("kept", [large_record, large_conversation])
async def test_what_is_large_and_asked_for_at_once_counts_for_its_client(
    kept: Callable[[HeldBytes, Aside], Awaitable[Read]], aside: Aside
) -> None:
    held = HeldBytes(4 * MIB)
    read = await kept(held, aside)
    found = await asyncio.gather(*(read() for _ in range(9)), return_exceptions=True)
    refused = sum(isinstance(each, Failure) for each in found)
    assert 0 < refused < len(found)
    assert held.held == 0
