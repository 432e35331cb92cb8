"""The result, on the terminal and in `results.md`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.rows import Row

RESULTS = Path(__file__).parent / "results.md"
INTRODUCTION = """\
Measured by `make bench` on {date}, one core for the server, one for the load. Every ratio is to
nginx as reverse proxy (or to the reference that is named) in the same run."""
START, END = "<!-- written by hand -->", "<!-- until here -->"


def table(rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = ["| what | figure | ratio | target | |", "|---|---|---|---|---|"]
    marks = {None: "", True: "met", False: "**missed**"}
    for row in rows:
        cells = (row.what, row.figure, row.ratio, row.target, marks[row.met])
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(rows: Sequence[Row], surroundings: Sequence[str]) -> None:
    """Replace the figures, keep what was written by hand."""
    text = RESULTS.read_text() if RESULTS.exists() else ""
    kept = text.partition(START)[2].partition(END)[0].strip("\n")
    parts = [
        "# Benchmark results",
        INTRODUCTION.format(date=time.strftime("%Y-%m-%d")),
        "\n".join(f"* {line}" for line in surroundings),
        table(rows),
        f"{START}\n{kept}\n{END}",
    ]
    RESULTS.write_text("\n\n".join(parts) + "\n")
