"""An OTLP collector that takes everything and says how many bytes it was, on the load core.

`python -m benchmarks.sink PORT`; a `GET` is answered with the number of bytes taken.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

LONGEST = 600.0


async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                ),
                0,
            )
            await reader.readexactly(length)
            TAKEN.append(length)
            answer = b"%d" % sum(TAKEN) if head.startswith(b"GET") else b""
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer))
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


TAKEN: list[int] = []


async def serve(port: int) -> None:
    """Listen until the time is over."""
    await asyncio.start_server(take, "127.0.0.1", port, limit=1 << 24)
    await asyncio.sleep(LONGEST)


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
