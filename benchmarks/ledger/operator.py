"""The operator's stream alone, for one RouterConfig: prints its address, then its cost when asked.

Each line on its standard input gets one: seconds of CPU so far, and resident bytes.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import msgspec

from support.stream_control import stream_control


async def serve() -> None:
    """Serve until the standard input ends."""
    async with stream_control(most=10_000) as operator:
        operator.publish("m", 1)
        print(msgspec.json.encode(operator.stream).decode(), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            print(time.process_time(), pages * os.sysconf("SC_PAGE_SIZE"), flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
