"""`python -m benchmarks.hostile`, which is what `make bench-hostile` runs."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import tools
from benchmarks.hostile.asking import ECHO
from benchmarks.hostile.inputs import INPUTS, PAIRS
from benchmarks.hostile.measured import HEAD, Measured
from benchmarks.hostile.soak import soak
from benchmarks.hostile.stage import AFTERWARDS, LONGEST, Stage, stage

RESULTS = Path(__file__).parent / "results.md"


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hostile",
        description="Small answers of one client beside the worst that another may send.",
    )
    parser.add_argument("--only", default=",".join(INPUTS), help=f"inputs: {','.join(INPUTS)}")
    parser.add_argument("--pairs", action="store_true", help="those of PAIRS, each two at once")
    parser.add_argument("--minutes", type=float, help="soak for so long, with all of it mixed")
    return parser.parse_args()


def measure(staged: Stage, names: str) -> Measured:
    """Send inputs at once, joined by `+`, and return what became of the small answers beside."""
    staged.forget_peak()
    start = time.monotonic()
    for attack in [staged.attack(name) for name in names.split("+")]:
        attack.wait(LONGEST)
    end = time.monotonic() + AFTERWARDS
    staged.until_answered(end)
    echoes = staged.answers_since(start, ECHO)
    told = [(INPUTS[name].__doc__ or name).strip().removesuffix(".") for name in names.split("+")]
    what = "; and ".join(told)
    return Measured(what, staged.answers_since(start), echoes, staged.peak())


def main() -> int:
    """Measure, print, write; 1 where the bar is missed."""
    asked = arguments()
    names = PAIRS if asked.pairs else asked.only.split(",")
    rows = []
    with (
        tempfile.TemporaryDirectory(prefix="airouter-hostile-") as folder,
        stage(Path(folder)) as staged,
    ):
        if asked.minutes is not None:
            return soak(staged, names, asked.minutes * 60)
        for name in names:
            rows.append(measure(staged, name))
            print(rows[-1], flush=True)
        log = staged.log.read_text()
    if log:
        print(f"\nthe router's log:\n{log[-4000:]}")
    lines = [*HEAD, *map(str, rows)]
    print("\n" + "\n".join(lines))
    if names == list(INPUTS):
        surroundings = "\n".join(f"* {line}" for line in tools.surroundings())
        RESULTS.write_text(
            "# One client's worst, and another's small answers\n\n"
            "Measured by `make bench-hostile`; router and load on a core each. The echo is a bare "
            "server on the router's core: its delays are the machine's.\n\n"
            f"{surroundings}\n\n" + "\n".join(lines) + "\n"
        )
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
