"""`python -m benchmarks.compare`, which is what `make bench-compare` runs."""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.compare.load import asked
from benchmarks.compare.rival import environment, litellm, version
from benchmarks.processes import LOAD_CORE, ROOT, Running, free_port, python, running
from benchmarks.router import router
from benchmarks.tools import surroundings

PAGE = ROOT / "docs" / "comparison.md"
START, END = "<!-- measured by make bench-compare -->", "<!-- until here -->"
CONNECTIONS = 32
WARM_UP = 2.0
PROVIDER = "benchmarks.hostile.provider"


class Reading(NamedTuple):
    """A proxy in one round."""

    p50: float
    """Seconds that it adds to a request, as the median and the 95th percentile have it."""
    p95: float
    per_second: float
    """Requests with all connections at once."""
    cpu: float
    """Seconds of CPU for each of them."""


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of readings (default: 5)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a reading (default: 4)")
    parser.add_argument(
        "--venv",
        type=Path,
        default=ROOT / ".cache" / "litellm",
        help="environment of LiteLLM, made where there is none (default: .cache/litellm)",
    )
    return parser.parse_args()


@contextlib.contextmanager
def upstream(folder: Path) -> Iterator[Running]:
    """The provider of both, beside the load."""
    port = free_port()
    command = python(PROVIDER, port)
    with running(command, port, core=LOAD_CORE, log=folder / "upstream.log") as started:
        yield started


def reading(proxy: Running, target: int, seconds: float) -> Reading:
    """Measure a proxy, and the upstream without it just before."""
    bare = asked(target, 1, seconds / 2)
    one = asked(proxy.port, 1, seconds)
    before = proxy.cpu()
    many = asked(proxy.port, CONNECTIONS, seconds)
    cpu = (proxy.cpu() - before) / many.answers
    return Reading(one.p50 - bare.p50, one.p95 - bare.p95, many.answers / seconds, cpu)


def median(readings: Sequence[Reading]) -> Reading:
    """Return the medians of each quantity."""
    return Reading(*map(statistics.median, zip(*readings, strict=True)))


def row(name: str, found: Reading) -> str:
    """Return a line of the table."""
    added = f"{found.p50 * 1e3:.2f} ms | {found.p95 * 1e3:.2f} ms"
    return f"| {name} | {added} | {found.per_second:,.0f} | {found.cpu * 1e6:,.0f} us |"


def written(ours: Sequence[Reading], theirs: Sequence[Reading], rival: str, seconds: float) -> str:
    """Return the table and what it was measured with."""
    ratios = Reading(
        *(
            statistics.median(b / a for a, b in zip(mine, other, strict=True))
            for mine, other in zip(zip(*ours, strict=True), zip(*theirs, strict=True), strict=True)
        )
    )
    more = 1 / ratios.per_second
    lines = [
        f"Measured on {time.strftime('%Y-%m-%d')}; LiteLLM {rival}.",
        "",
        *(f"* {line}" for line in surroundings()),
        f"* {len(ours)} rounds of {seconds:g} s, at a load average of {os.getloadavg()[0]:.0f}",
        "",
        "| | added, median | added, p95 | requests / s, one core | CPU of a request |",
        "|---|---|---|---|---|",
        row("Auto AI Router", median(ours)),
        row("LiteLLM", median(theirs)),
        f"| times | {ratios.p50:.0f} | {ratios.p95:.0f} | {more:.0f} | {ratios.cpu:.0f} |",
    ]
    return "\n".join(lines)


def measure(options: argparse.Namespace) -> str:
    """Measure both in turns."""
    venv = environment(options.venv)
    ours: list[Reading] = []
    theirs: list[Reading] = []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        target = stack.enter_context(upstream(folder)).port
        log = {"AIROUTER_ACCESS_LOG": "true"}  # as it comes, as LiteLLM does
        pairs = (
            (stack.enter_context(router(folder, target, backends=1, environment=log)), ours),
            (stack.enter_context(litellm(folder, venv, target)), theirs),
        )
        for proxy, _ in pairs:
            asked(proxy.port, CONNECTIONS, WARM_UP)
        for _ in range(options.rounds):
            for proxy, found in pairs:
                found.append(reading(proxy, target, options.seconds))
                print(row("", found[-1]), flush=True)
    return written(ours, theirs, version(venv), options.seconds)


def main() -> None:
    """Measure, and put the table into the page."""
    table = measure(arguments())
    before, _, rest = PAGE.read_text().partition(START)
    PAGE.write_text(f"{before}{START}\n\n{table}\n\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
