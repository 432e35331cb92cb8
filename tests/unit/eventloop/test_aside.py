"""Work beside the event loop: in turns, bounded, and left undone where nobody wants it any more."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import threading
import weakref
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from airouter.eventloop.aside import MOST_WAITING, Aside
from airouter.failures import Failure

MIB = 1_048_576


@pytest.fixture
async def aside() -> AsyncIterator[Aside]:
    made = Aside()
    yield made
    await made.close()


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Gate:
    """Work that goes on until it is let go."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._open = threading.Event()

    def __call__(self) -> str:
        self._loop.call_soon_threadsafe(self.begun.set)
        self._open.wait(60)
        return "done"

    def let_go(self) -> None:
        self._open.set()


async def test_the_loop_goes_on_while_work_is_done(aside: Aside) -> None:
    gate = Gate()
    doing = asyncio.create_task(aside.run(gate))
    await gate.begun.wait()
    gate.let_go()
    assert await doing == "done"


async def test_a_failure_of_the_work_is_the_callers(aside: Aside) -> None:
    with pytest.raises(ZeroDivisionError):
        await aside.run(lambda: 1 // 0)
    assert await aside.run(lambda: 7) == 7


async def test_work_that_is_given_up_before_its_turn_is_not_done(aside: Aside) -> None:
    gate, done = Gate(), []
    first = asyncio.create_task(aside.run(gate))
    await gate.begun.wait()
    second = asyncio.create_task(aside.run(lambda: done.append("second")))
    third = asyncio.create_task(aside.run(lambda: done.append("third")))
    await asyncio.sleep(0)
    second.cancel()
    gate.let_go()
    await asyncio.gather(first, second, third, return_exceptions=True)
    assert done == ["third"]


async def test_work_that_is_given_up_in_the_middle_keeps_its_turn_until_it_ends(
    aside: Aside,
) -> None:
    gate, done = Gate(), []
    first = asyncio.create_task(aside.run(gate))
    await gate.begun.wait()
    second = asyncio.create_task(aside.run(lambda: done.append("second")))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert not done
    gate.let_go()
    await second
    assert done == ["second"]


async def test_more_work_than_can_wait_is_refused_at_once(aside: Aside) -> None:
    gate = Gate()
    first = asyncio.create_task(aside.run(gate))
    await gate.begun.wait()
    others = [asyncio.create_task(aside.run(lambda: 0)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Failure) as caught:
        await aside.run(lambda: 0)
    assert (caught.value.status, caught.value.code) == (503, "overloaded")
    assert caught.value.retry_after
    gate.let_go()
    assert await asyncio.gather(first, *others) == ["done", *[0] * MOST_WAITING]


async def test_work_that_waits_too_long_is_refused() -> None:
    aside, gate = Aside(patience=0.0), Gate()
    first = asyncio.create_task(aside.run(gate))
    await gate.begun.wait()
    with pytest.raises(Failure) as caught:
        await aside.run(lambda: 0)
    assert caught.value.code == "overloaded"
    gate.let_go()
    await first
    await aside.close()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this is not glibc")
@pytest.mark.parametrize("there", ["on the loop", "beside it"])
async def test_what_is_free_in_the_heap_is_given_back_before_work_takes_more(
    aside: Aside, there: str
) -> None:
    def scatter() -> list[bytearray]:
        pieces = [bytearray(8_000) for _ in range(16_000)]
        return pieces[::500]  # each keeps what lies below it in the heap

    before = resident()
    kept = await aside.run(scatter) if there == "beside it" else scatter()
    assert await aside.run(resident) - before < 32 * MIB
    assert kept


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this is not glibc")
async def test_what_is_free_in_the_heap_is_given_back_when_the_server_asks(aside: Aside) -> None:
    before = resident()
    pieces = [bytearray(8_000) for _ in range(16_000)]
    kept = pieces[::500]
    del pieces
    aside.trim()
    async with asyncio.timeout(60):
        while resident() - before > 32 * MIB:
            await asyncio.sleep(0.01)
    assert kept


async def test_what_work_failed_with_is_gone_with_its_failure(aside: Aside) -> None:
    class Body:
        """Something large."""

    async def fail() -> weakref.ref[Body]:
        body = Body()
        with pytest.raises(ZeroDivisionError):
            await aside.run(lambda: 1 // (body is None))
        return weakref.ref(body)

    gc.disable()
    try:
        body = await fail()
        await asyncio.sleep(0)  # the step of a task has what it waited for
        assert body() is None
    finally:
        gc.enable()
