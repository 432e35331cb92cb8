"""`python -m benchmarks.ledger`, which is what `make bench-ledger` runs."""

from __future__ import annotations

import argparse
import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from itertools import chain
from pathlib import Path

from airouter.config.delivery import Stream, decode
from airouter.limits.ledger.operator import TIMEOUT
from benchmarks import tools
from benchmarks.ledger.pods import PER_SECOND, BusyPod

RESULTS = Path(__file__).parent / "results.md"
SETTLING = 70.0
"""Seconds in which all pods connect, and a minute of uses is there."""


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger", description=__doc__)
    parser.add_argument("--pods", type=int, default=200, help="default: 200")
    parser.add_argument("--limits", default="1,10,50", help="busy limits (default: 1,10,50)")
    parser.add_argument("--seconds", type=float, default=30.0, help="default: 30")
    return parser.parse_args()


async def cost_of(operator: Process) -> tuple[float, int]:
    """Seconds of CPU so far, and resident bytes."""
    assert operator.stdin is not None
    assert operator.stdout is not None
    operator.stdin.write(b"\n")
    seconds, memory = (await operator.stdout.readline()).split()
    return float(seconds), int(memory)


async def measure(pods: int, limits: int, seconds: float) -> str:
    """The row of so many pods with so many limits."""
    operator = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.ledger.operator"), stdin=PIPE, stdout=PIPE
    )
    assert operator.stdout is not None
    stream = decode((await operator.stdout.readline()).strip(), Stream)
    busy = [BusyPod(number, limits, stream) for number in range(pods)]
    tasks: list[asyncio.Task[None]] = []
    try:
        for pod in busy:
            tasks.append(asyncio.create_task(pod.run()))
            await asyncio.sleep(1.0 / pods)
        await asyncio.sleep(SETTLING)
        for pod in busy:
            pod.ledger.begin_anew()
        before, _ = await cost_of(operator)
        await asyncio.sleep(seconds)
        after, memory = await cost_of(operator)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(pod.close() for pod in busy))
        operator.kill()
        await operator.wait()
    took = sorted(chain.from_iterable(pod.ledger.seconds for pod in busy))
    late = sum(each > TIMEOUT for each in took)
    largest = max(pod.ledger.largest for pod in busy)
    return (
        f"| {pods} | {limits} | {len(took) / seconds:.0f} | {(after - before) / seconds:.2f} |"
        f" {largest / 1000:.1f} KB | {1000 * took[len(took) // 2]:.1f} ms |"
        f" {1000 * took[len(took) * 99 // 100]:.0f} ms | {late} | {memory / 1e6:.0f} MB |"
    )


def main() -> int:
    """Measure, print, write."""
    asked = arguments()
    head = f"| pods | busy limits, {PER_SECOND}/s at each pod | messages/s | operator's cores"
    head += " | largest message | median | p99 | too late | its memory |"
    lines = [head, "|---|---|---|---|---|---|---|---|---|"]
    print("\n".join(lines))
    for limits in map(int, asked.limits.split(",")):
        lines.append(asyncio.run(measure(asked.pods, limits, asked.seconds)))
        print(lines[-1], flush=True)
    surroundings = "\n".join(f"* {line}" for line in tools.surroundings())
    RESULTS.write_text(
        "# Results of the operator's ledger\n\nMeasured by `make bench-ledger`: the pods share the"
        f" machine with the operator.\n\n{surroundings}\n\n" + "\n".join(lines) + "\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
