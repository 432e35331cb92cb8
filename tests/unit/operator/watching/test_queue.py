"""The keyed queue."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator
from random import Random

import pytest

from airouter_operator.kube.errors import KubeError
from airouter_operator.retry import RetryLater
from airouter_operator.watching.queue import MOST_SLOW, KeyedQueue, QueueDelays

DELAYS = QueueDelays(quiet=0.01, longest=0.05, first_retry=0.02, longest_retry=0.04, slow=3600)


class Work:
    """Counts, overlaps never with itself, and fails or waits as it is told."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.running: set[str] = set()
        self.most = 0
        self.failures: dict[str, list[Exception]] = {}
        self.hanging: dict[str, asyncio.Event] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.progress = asyncio.Condition()

    async def __call__(self, key: str) -> None:
        assert key not in self.running
        self.running.add(key)
        self.most = max(self.most, len(self.running))
        try:
            await self.hanging.get(key, self.gate).wait()
            if self.failures.get(key):
                raise self.failures[key].pop(0)
        finally:
            self.running.discard(key)
            self.done[key] += 1
            async with self.progress:
                self.progress.notify_all()

    async def until(self, key: str, count: int) -> None:
        async with asyncio.timeout(60), self.progress:
            await self.progress.wait_for(lambda: self.done[key] >= count)


@pytest.fixture
async def work() -> Work:
    return Work()


@pytest.fixture
async def queue(work: Work) -> AsyncIterator[KeyedQueue[str]]:
    queue = KeyedQueue[str](DELAYS, concurrency=3, random=Random(1))
    task = asyncio.create_task(queue.run(work))
    yield queue
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_burst_of_changes_is_one_piece_of_work(queue: KeyedQueue[str], work: Work) -> None:
    for _ in range(100):
        queue.add("a")
    assert len(queue) == 1
    await work.until("a", 1)
    await asyncio.sleep(0.03)
    assert work.done == {"a": 1}
    assert len(queue) == 0


async def test_changes_that_never_rest_do_not_put_the_work_off_for_ever(
    queue: KeyedQueue[str], work: Work
) -> None:
    async with asyncio.timeout(30):
        while not work.done["a"]:
            queue.add("a")
            await asyncio.sleep(0.001)


async def test_a_change_while_a_key_is_worked_on_is_worked_on_afterwards(
    queue: KeyedQueue[str], work: Work
) -> None:
    work.gate.clear()
    queue.add("a")
    async with asyncio.timeout(30):
        while "a" not in work.running:
            await asyncio.sleep(0)
    queue.add("a")
    work.gate.set()
    await work.until("a", 2)
    assert work.most == 1


async def test_keys_are_worked_on_side_by_side_but_not_without_bound(
    queue: KeyedQueue[str], work: Work
) -> None:
    work.gate.clear()
    for number in range(10):
        queue.add(str(number))
    async with asyncio.timeout(30):
        while len(work.running) < 3:
            await asyncio.sleep(0.001)
    work.gate.set()
    for number in range(10):
        await work.until(str(number), 1)
    assert work.most == 3


@pytest.mark.parametrize("failure", [RetryLater("not yet"), ValueError("sk-secret")])
async def test_work_that_fails_is_tried_again_until_it_is_done(
    queue: KeyedQueue[str], work: Work, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    work.failures["a"] = [failure, failure, failure]
    queue.add("a")
    await work.until("a", 4)
    assert "sk-secret" not in caplog.text
    assert ("ValueError, will try again" in caplog.text) is isinstance(failure, ValueError)


async def test_what_the_api_server_did_not_do_is_logged(
    queue: KeyedQueue[str], work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    work.failures["a"] = [KubeError("PATCH /x: status 503", 503)]
    queue.add("a")
    await work.until("a", 2)
    assert "a: PATCH /x: status 503, will try again" in caplog.text


async def test_a_key_that_is_looked_at_while_it_is_worked_on_is_looked_at_afterwards(
    queue: KeyedQueue[str], work: Work
) -> None:
    work.gate.clear()
    queue.look_at("a")
    queue.look_at("a")
    async with asyncio.timeout(60):
        while "a" not in work.running:
            await asyncio.sleep(0)
    queue.look_at("a")
    work.gate.set()
    await work.until("a", 2)
    async with asyncio.timeout(60):
        while not queue.is_idle:
            await asyncio.sleep(0)
    assert work.done == {"a": 2}


async def test_a_key_that_failed_while_the_api_server_was_away_is_worked_on_once_it_is_listed(
    work: Work,
) -> None:
    delays = dataclasses.replace(DELAYS, first_retry=3600, longest_retry=3600)
    queue = KeyedQueue[str](delays, concurrency=3, random=Random(1))
    task = asyncio.create_task(queue.run(work))
    work.failures["a"] = [KubeError("GET: not reached")]
    queue.add("a")
    await work.until("a", 1)
    queue.look_at("a")
    try:
        await work.until("a", 2)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_keys_whose_work_hangs_do_not_hold_up_the_others(work: Work) -> None:
    queue = KeyedQueue[str](dataclasses.replace(DELAYS, slow=0.01), concurrency=3, random=Random(1))
    hung = asyncio.Event()
    work.hanging = {f"hung-{number}": hung for number in range(60)}
    task = asyncio.create_task(queue.run(work))
    for key in list(work.hanging)[:20]:
        queue.add(key)
    async with asyncio.timeout(60):
        while len(work.running) < 20:
            await asyncio.sleep(0.001)
    queue.add("good")
    await work.until("good", 1)
    for key in work.hanging:
        queue.add(key)
    await asyncio.sleep(0.1)
    hung.set()
    for key in work.hanging:
        await work.until(key, 1)
    assert work.most <= 3 * MOST_SLOW + 3
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_one_key_that_fails_does_not_hold_up_the_others(
    queue: KeyedQueue[str], work: Work
) -> None:
    work.failures["bad"] = [RetryLater("not yet")] * 50
    queue.add("bad")
    queue.add("good")
    await work.until("good", 1)


async def test_a_queue_that_is_stopped_has_ended_what_it_worked_on(work: Work) -> None:
    queue = KeyedQueue[str](DELAYS, concurrency=3, random=Random(1))
    work.gate.clear()
    task = asyncio.create_task(queue.run(work))
    queue.add("a")
    async with asyncio.timeout(60):
        while not work.running:
            await asyncio.sleep(0.01)
        async with work.progress:  # so that the work takes a while to end
            task.cancel()
            stopped = asyncio.create_task(asyncio.wait({task}))
            for _ in range(10):
                await asyncio.sleep(0)
            assert not stopped.done()
        await stopped
