"""Which of several addresses is connected to, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airouter.http.dialing import dial, dial_address, first_of, interleaved

if TYPE_CHECKING:
    from airouter.http.dialing import Address

SIX, FOUR = socket.AF_INET6, socket.AF_INET


def address(where: tuple[str, int], family: int = FOUR) -> tuple[int, int, int, str, Any]:
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where


async def first_socket(addresses: list[Address]) -> socket.socket:
    return await first_of(addresses, dial_address, socket.socket.close)


@contextlib.contextmanager
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@contextlib.contextmanager
def dead_end() -> Iterator[tuple[str, int]]:
    """An address that never answers: nobody accepts, and its queue is full."""
    with contextlib.ExitStack() as stack, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield listening.getsockname()


def refusing() -> tuple[str, int]:
    with listener() as gone:
        where: tuple[str, int] = gone.getsockname()
        return where


async def test_an_address_that_never_answers_is_followed_by_the_next() -> None:
    with listener() as alive, dead_end() as dead:
        async with asyncio.timeout(60):
            found = await first_socket([address(dead), address(alive.getsockname())])
        with found:
            assert found.getpeername() == alive.getsockname()


async def test_an_address_that_refuses_is_followed_by_the_next_at_once() -> None:
    with listener() as alive:
        found = await first_socket([address(refusing()), address(alive.getsockname())])
        with found:
            assert found.getpeername() == alive.getsockname()


async def test_the_last_failure_is_told_when_none_answers() -> None:
    with pytest.raises(ConnectionRefusedError):
        await first_socket([address(refusing()), address(refusing())])


async def test_whoever_is_not_needed_is_closed() -> None:
    before = open_sockets()
    with listener() as alive, dead_end() as dead:
        inside = open_sockets()
        dialing = asyncio.create_task(first_socket([address(dead), address(dead)]))
        await asyncio.sleep(0.3)
        dialing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialing
        (await first_socket([address(dead), address(alive.getsockname())])).close()
        assert open_sockets() == inside
    assert open_sockets() == before


async def test_a_name_is_resolved() -> None:
    with listener() as alive, await dial("localhost", alive.getsockname()[1]) as found:
        assert found.getpeername() == alive.getsockname()


async def test_a_name_that_is_unknown_is_told() -> None:
    with pytest.raises(socket.gaierror, match=r"no-such-host\.invalid: "):
        await dial("no-such-host.invalid", 443)


def test_families_take_turns() -> None:
    given = [address(("::1", n), SIX) for n in (1, 2, 3)] + [address(("127.0.0.1", 4))]
    assert [each[4][1] for each in interleaved(given)] == [1, 4, 2, 3]


def open_sockets() -> int:
    return sum(each.is_socket() for each in Path("/proc/self/fd").iterdir())


async def test_what_connects_at_last_is_closed_though_who_waits_was_cancelled_twice() -> None:
    begun, answered, closed = asyncio.Event(), asyncio.Event(), asyncio.Queue[str]()

    async def connect(_: Address) -> str:
        begun.set()
        while not answered.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await answered.wait()
        return "socket"

    dialing = asyncio.create_task(first_of([address(refusing())], connect, closed.put_nowait))
    await begun.wait()
    for _ in range(2):
        dialing.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    answered.set()
    await asyncio.wait([dialing])
    async with asyncio.timeout(60):
        assert await closed.get() == "socket"
