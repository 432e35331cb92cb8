"""Turns: much work of one leaves time for others."""

from __future__ import annotations

import asyncio
import time

import pytest

from airouter.eventloop.turns import TURN, Turns


def busy(seconds: float) -> None:
    """Hold the loop."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


async def test_little_work_is_done_at_once() -> None:
    done = []

    def work() -> bool:
        done.append(1)
        return False

    Turns(asyncio.get_running_loop()).share(work)
    assert done == [1]


async def test_others_have_turns_between_those_of_much_work() -> None:
    turns = Turns(asyncio.get_running_loop())
    slices, others = [0], 0
    finished = asyncio.Event()

    def work() -> bool:
        busy(TURN)
        slices[0] += 1
        if slices[0] == 10:
            finished.set()
        return slices[0] < 10

    turns.share(work)
    while not finished.is_set():
        others += 1
        await asyncio.sleep(0)
    assert others >= 9


async def passes_until_all_have_had_turns(turns: Turns, times: int) -> int:
    """Return how often a loop comes round, each time busy for as long as a turn."""
    passes = 0

    async def keep_busy() -> None:
        nonlocal passes
        while True:
            busy(TURN)
            passes += 1
            await asyncio.sleep(0)

    working = asyncio.create_task(keep_busy())
    async with asyncio.timeout(60):
        await asyncio.gather(*(turns.turn() for _ in range(times)))
    working.cancel()
    return passes


async def test_coroutines_that_share_turns_wait_for_few_passes_of_a_busy_loop() -> None:
    loop = asyncio.get_running_loop()
    assert await passes_until_all_have_had_turns(Turns(loop), 32) > 32
    assert await passes_until_all_have_had_turns(Turns(loop, 8), 32) < 32


async def test_work_of_many_goes_round() -> None:
    turns, order = Turns(asyncio.get_running_loop()), []
    finished = asyncio.Event()

    def worker(name: str) -> None:
        left = [3]

        def work() -> bool:
            busy(TURN)
            order.append(name)
            left[0] -= 1
            if len(order) == 6:
                finished.set()
            return left[0] > 0

        turns.share(work)

    worker("a")
    worker("b")
    async with asyncio.timeout(60):
        await finished.wait()
    assert order == list("aababb"), "the first began before the second came"


async def test_a_heavy_request_does_not_begin_in_the_turn_of_another() -> None:
    turns = Turns(asyncio.get_running_loop())
    running, most = 0, 0

    async def heavy() -> None:
        nonlocal running, most
        await turns.turn()
        running += 1
        most = max(most, running)
        busy(0.001)
        asyncio.get_running_loop().call_soon(end)

    def end() -> None:
        nonlocal running
        running -= 1

    async with asyncio.timeout(60):
        await asyncio.gather(*(heavy() for _ in range(10)))
    assert most == 1


async def test_a_request_that_was_cancelled_takes_no_turn() -> None:
    turns = Turns(asyncio.get_running_loop())

    def work() -> bool:
        busy(TURN)
        return False

    turns.share(work)
    waiting = asyncio.create_task(turns.turn())
    await asyncio.sleep(0)
    waiting.cancel()
    async with asyncio.timeout(30):
        await asyncio.wait({waiting})
        await turns.turn()


async def test_work_that_fails_ends_its_own_turn_alone() -> None:
    turns = Turns(asyncio.get_running_loop())

    def fail() -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        turns.share(fail)
    async with asyncio.timeout(60):
        await turns.turn()
        busy(TURN)
        await turns.turn()
