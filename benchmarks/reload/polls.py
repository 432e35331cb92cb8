"""Long polls by the client that routers have, with nothing behind it: FOLDER COUNT.

In a process of its own, so that it does not wait for what measures it, nor that for it.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import uvloop

from airouter.config.delivery import STREAM_FILE, Stream, decode
from airouter.config.store import SnapshotStore
from airouter.sources.stream import StreamSource


async def poll(stream: Stream, count: int) -> None:
    """Poll until cancelled."""
    sources = [
        StreamSource(SnapshotStore(lambda _: None), f"poll-{number}") for number in range(count)
    ]
    for source in sources:
        source.follow(stream)
    await asyncio.gather(*(source.run() for source in sources))


if __name__ == "__main__":
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    uvloop.run(poll(decode((folder / STREAM_FILE).read_bytes(), Stream), count))
