"""Large records and conversations are read one at a time, with others served in between."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from airouter.bounds.held_bytes import HeldBytes
from airouter.eventloop.aside import Aside
from airouter.eventloop.turns import HEAVY, Turns
from airouter.responses.conversations import Conversations
from airouter.responses.records import Archive, StoredResponse
from airouter.state.memory import MemoryStore

Read = Callable[[], Awaitable[object]]
TIMES = 8


async def record(store: MemoryStore, turns: Turns) -> Read:
    """Store a large response; returns what reads it."""
    archive = Archive(store, "t", turns, HeldBytes(1 << 30).hold("t", 0))
    await archive.keep(StoredResponse("resp_1", b"x" * HEAVY))
    return lambda: archive.find("resp_1")


async def conversation(store: MemoryStore, turns: Turns) -> Read:
    """Store a large conversation; returns what reads it."""
    held = HeldBytes(1 << 30).hold("t", 0)
    conversations = Conversations(store, "t", turns, Aside(), held)
    item = msgspec.Raw(msgspec.json.encode({"role": "user", "content": "x" * HEAVY}))
    made = await conversations.create({}, [item])
    return lambda: conversations.find(made.id)


async def changed_conversation(store: MemoryStore, turns: Turns) -> Read:
    """Store a conversation; returns what changes it."""
    held = HeldBytes(1 << 30).hold("t", 0)
    conversations = Conversations(store, "t", turns, Aside(), held)
    made = await conversations.create({}, [])
    return lambda: conversations.describe(made.id, {"a": secrets.token_hex(4)})


@pytest.mark.parametrize("kept", [record, conversation, changed_conversation])
async def test_no_two_of_them_are_worked_on_in_one_pass_of_the_loop(
    kept: Callable[[MemoryStore, Turns], Awaitable[Read]],
) -> None:
    loop = asyncio.get_running_loop()
    read = await kept(MemoryStore(60.0, 100), Turns(loop))
    passes, over = itertools.count(), asyncio.Event()
    now = 0

    async def count_passes() -> None:
        nonlocal now
        while not over.is_set():
            now = next(passes)
            await asyncio.sleep(0)

    async def pass_of_reading() -> int:
        await read()
        return now

    counting = asyncio.create_task(count_passes())
    read_in = await asyncio.gather(*(pass_of_reading() for _ in range(TIMES)))
    over.set()
    await counting
    assert len(set(read_in)) == TIMES
