"""Requests of batch clients that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from airouter.config.snapshot import BatchQueue
from airouter.failures import Failure
from airouter.limits import FREE, Permit
from airouter.limits.waiting_line import WaitingLine


def refusal(retry_after: float | None = 0.01) -> Failure:
    """A limit without room."""
    return Failure(429, "no room", retry_after=retry_after)


def granted_after(times: int, log: list[str], name: str) -> Callable[[], Awaitable[Permit]]:
    """A reservation that is refused some times."""
    left = [times]

    async def reserve() -> Permit:
        left[0] -= 1
        if left[0] >= 0:
            raise refusal()
        log.append(name)
        return FREE

    return reserve


async def test_the_first_to_come_is_the_first_to_go() -> None:
    line, log = WaitingLine(), list[str]()
    waits = [
        asyncio.create_task(line.wait("t", granted_after(times, log, str(times)), refusal()))
        for times in (3, 2, 1, 0)
    ]
    await asyncio.gather(*waits)
    assert log == ["3", "2", "1", "0"]


async def test_one_client_does_not_wait_for_another() -> None:
    line, log = WaitingLine(), list[str]()
    slow = asyncio.create_task(line.wait("a", granted_after(10**6, log, "slow"), refusal()))
    await line.wait("b", granted_after(1, log, "quick"), refusal())
    slow.cancel()
    assert log == ["quick"]


async def test_one_too_many_is_refused_at_once_and_so_is_one_that_would_wait_in_vain() -> None:
    line = WaitingLine()
    line.limit(BatchQueue(length=1, max_wait=5.0))
    first = asyncio.create_task(line.wait("t", granted_after(10**6, [], ""), refusal()))
    await asyncio.sleep(0)
    with pytest.raises(Failure):
        await line.wait("t", granted_after(0, [], ""), refusal())
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    for vain in (None, 6.0):
        with pytest.raises(Failure):
            await line.wait("t", granted_after(0, [], ""), refusal(vain))
    await line.wait("t", granted_after(0, [], ""), refusal())


async def test_who_waits_behind_another_is_refused_when_its_time_is_over() -> None:
    line = WaitingLine()
    line.limit(BatchQueue(length=5, max_wait=0.05))
    waits = [line.wait("t", granted_after(10**6, [], ""), refusal()) for _ in range(3)]
    for result in await asyncio.gather(*waits, return_exceptions=True):
        assert isinstance(result, Failure)
