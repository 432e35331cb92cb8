"""`python -m benchmarks`, which is what `make bench` runs."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks import report, tools
from benchmarks.bench import Bench
from benchmarks.cases import CASES
from benchmarks.rows import Row


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="The router beside nginx, on one core."
    )
    parser.add_argument(
        "--only", default=",".join(CASES), help=f"cases, separated by commas: {','.join(CASES)}"
    )
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement (default: 8)")
    parser.add_argument("--rounds", type=int, default=3, help="of each pair (default: 3)")
    parser.add_argument(
        "--quick", action="store_true", help="one round of 2 seconds; writes no results"
    )
    return parser.parse_args()


def main() -> int:
    """Measure, print, write; 0 whether or not the targets are met."""
    asked = arguments()
    names = asked.only.split(",")
    unknown = [name for name in names if name not in CASES]
    if unknown:
        print(f"no such case: {', '.join(unknown)}; there are {', '.join(CASES)}")
        return 2
    if (os.cpu_count() or 1) < 2:
        print("two cores are needed: one for the server, one for the load")
        return 2
    tools.install_missing()
    with tempfile.TemporaryDirectory(prefix="airouter-bench-") as folder:
        Path(folder).chmod(0o755)  # nginx's workers are another user
        seconds, rounds = (2, 1) if asked.quick else (asked.seconds, asked.rounds)
        bench = Bench(Path(folder), seconds, rounds, lambda text: print(text, flush=True))
        rows: list[Row] = [row for name in names for row in CASES[name](bench)]
    print("\n" + report.table(rows))
    if not asked.quick and names == list(CASES):
        report.write(rows, [tools.nginx(), *tools.surroundings()])
        print("\nwritten to benchmarks/results.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
