"""`python -m benchmarks.reload`, which is what `make bench-reload` runs."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from benchmarks import tools
from benchmarks.reload.cases import CASES
from benchmarks.reload.figures import Bench, Row
from support.control_plane import ControlPlane, control_plane
from support.kubernetes.apiserver import ApiServer
from support.kubernetes.crd import install_crd

RESULTS = Path(__file__).parent / "results.md"


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reload",
        description="From a patch to every pod's acknowledgement, on a real API server.",
    )
    parser.add_argument("--only", default=",".join(CASES), help=f"cases: {','.join(CASES)}")
    parser.add_argument("--routers", type=int, default=50, help="router processes (default: 50)")
    parser.add_argument("--patches", type=int, default=100, help="changes (default: 100)")
    parser.add_argument("--configs", type=int, default=1000, help="RouterConfigs (default: 1000)")
    parser.add_argument("--keys", type=int, default=2000, help="RouterKeys (default: 2000)")
    return parser.parse_args()


async def measure(asked: argparse.Namespace, names: list[str], folder: Path) -> list[Row]:
    """Run the cases, each in a namespace of its own."""
    rows: list[Row] = []
    bench = Bench(asked.routers, asked.patches, asked.configs, asked.keys, print_now)
    (folder / "api").mkdir()
    with ApiServer(folder / "api") as api:
        install_crd(api)
        for name in names:
            print_now(f"\n{name}: {CASES[name].__doc__}")
            async with namespace(api, folder / name) as plane:
                async for row in CASES[name](bench, plane):
                    rows.append(row)
                    print_now(f"  {row.what}: {row.figure}")
    return rows


@contextlib.asynccontextmanager
async def namespace(api: ApiServer, folder: Path) -> AsyncIterator[ControlPlane]:
    """A namespace that is ready for an operator."""
    folder.mkdir()
    name = f"bench-{secrets.token_hex(4)}"
    api.kubectl("create", "namespace", name)
    async with control_plane(api, name, folder) as plane:
        yield plane


def print_now(text: str) -> None:
    """A line that is seen at once, also in a file."""
    print(text, flush=True)


def main() -> int:
    """Measure, print, write; 0 whether or not the targets are met."""
    asked = arguments()
    names = asked.only.split(",")
    with tempfile.TemporaryDirectory(prefix="airouter-bench-") as folder:
        rows = asyncio.run(measure(asked, names, Path(folder)))
    lines = ["| what | figure | target | |", "|---|---|---|---|", *map(str, rows)]
    print("\n" + "\n".join(lines))
    if names == list(CASES):
        surroundings = "\n".join(f"* {line}" for line in tools.surroundings())
        RESULTS.write_text(
            "# Reload results\n\nMeasured by `make bench-reload`.\n\n"
            f"{surroundings}\n\n" + "\n".join(lines) + "\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
