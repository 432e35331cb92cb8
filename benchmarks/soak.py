"""Memory of a router whose provider is down, under 100 requests of 1 MB each second.

`PYTHONPATH=tests python -m benchmarks.soak SECONDS` prints its MiB every ten seconds, and fails
where it grows. `tests/process/test_memory.py` does so for seconds.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from support.failing_provider import ask, router_without_provider
from support.router import RouterProcess

RATE = 100
"""Requests a second."""
LOOK_EVERY = 10.0
GROWTH = 48
"""MiB that a router may grow by."""


async def ask_at_once(router: RouterProcess) -> None:
    """Send the requests of one second, over ten connections."""
    await asyncio.gather(*(ask(router, RATE // 10) for _ in range(10)))


async def soak(seconds: float, folder: Path) -> int:
    """Ask for so long; return the MiB that the router has grown by."""
    async with router_without_provider(folder) as router:
        await ask_at_once(router)
        first = last = router.memory() >> 20
        end = time.monotonic() + seconds
        look_at = time.monotonic()
        while (now := time.monotonic()) < end:
            await ask_at_once(router)
            last = router.memory() >> 20
            if now >= look_at:
                print(f"{last} MiB", flush=True)
                look_at = now + LOOK_EVERY
            await asyncio.sleep(max(0.0, now + 1.0 - time.monotonic()))
    return last - first


def main() -> int:
    """Soak, and tell how it went."""
    with tempfile.TemporaryDirectory(prefix="airouter-soak-") as folder:
        grown = asyncio.run(soak(float(sys.argv[1]), Path(folder)))
    print(f"grown by {grown} MiB")
    return 0 if grown < GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
