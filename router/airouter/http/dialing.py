"""Dialing: whichever address of a name answers first.

By RFC 8305 ("happy eyeballs"): addresses are tried in the order of the resolver, families by turns,
and the next one begins when the last has failed or has said nothing for a quarter of a second. One
address that is dead, such as IPv6 where it leads nowhere, costs that much and not the connection.
`upstream/origin.py` makes connections of the sockets that `dial` returns; `sources/` has whole
handshakes race.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence

    Address = tuple[int, int, int, str, Any]
    """An address as `getaddrinfo` returns it."""

T = TypeVar("T")

STAGGER = 0.25
"""Seconds until the next address is tried beside the last."""
MOST_ADDRESSES = 8


async def dial(host: str, port: int) -> socket.socket:
    """Return a socket connected to a host. Raises `OSError`, which names a host that is unknown."""
    return await first_of(await addresses_of(host, port), dial_address, socket.socket.close)


async def addresses_of(host: str, port: int) -> list[Address]:
    """Return the addresses of a host, in the order in which to try them. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise socket.gaierror(error.errno, f"{host}: {error.strerror}") from None
    return interleaved(found)[:MOST_ADDRESSES]


async def first_of(
    addresses: Iterable[Address],
    connect: Callable[[Address], Coroutine[Any, Any, T]],
    close: Callable[[T], object],
) -> T:
    """Return what `connect` makes of the first address that answers.

    What it makes of others in vain is given to `close`. Raises the `OSError` of the last that
    failed.
    """
    left = deque(addresses)
    failure: BaseException = OSError("the name has no address")
    dialing: set[asyncio.Task[T]] = set()
    try:
        while left or dialing:
            if left:
                dialing.add(asyncio.create_task(connect(left.popleft())))
            done, _ = await asyncio.wait(
                dialing, timeout=STAGGER if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                dialing.discard(task)
                if (error := task.exception()) is None:
                    return task.result()
                failure = error
    finally:
        # Also when two have connected at once, or the caller is cancelled.
        await give_up(dialing, close)
    raise failure


async def give_up(dialing: Collection[asyncio.Task[T]], close: Callable[[T], object]) -> None:
    """Close what is, or is about to be, connected in vain; also if who waits is cancelled."""

    def ended(task: asyncio.Task[T]) -> None:
        if not task.cancelled() and task.exception() is None:
            close(task.result())

    for task in dialing:
        task.cancel()
        task.add_done_callback(ended)
    if dialing:
        await asyncio.wait(dialing)


async def dial_address(address: Address) -> socket.socket:
    """Return a socket connected to one address. Raises `OSError`."""
    family, kind, number, _, where = address
    dialed = socket.socket(family, kind, number)
    try:
        dialed.setblocking(False)
        await asyncio.get_running_loop().sock_connect(dialed, where)
    except BaseException:
        dialed.close()
        raise
    return dialed


def interleaved(addresses: Sequence[Address]) -> list[Address]:
    """Return the addresses with their families by turns."""
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    turns = chain.from_iterable(zip_longest(*families.values()))
    return [address for address in turns if address is not None]
