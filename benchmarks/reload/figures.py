"""What a case finds: rows of a table, and the CPU time that was spent."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.processes import cpu_of

MEBIBYTE = 1_048_576


class Row(NamedTuple):
    """A line of the table."""

    what: str
    figure: str
    target: str = ""
    met: bool | None = None

    def __str__(self) -> str:
        verdict = {None: "", True: "met", False: "**missed**"}[self.met]
        return f"| {self.what} | {self.figure} | {self.target} | {verdict} |"


@dataclass(frozen=True)
class Bench:
    """The amount of measurements."""

    routers: int
    patches: int
    configs: int
    keys: int
    say: Callable[[str], None]


class Latencies(NamedTuple):
    """Seconds, of each patch: to its answer, to the last acknowledgement, and to the status."""

    answered: list[float]
    acknowledged: list[float]
    programmed: list[float]

    @property
    def live(self) -> list[float]:
        """Seconds from the answer to a patch until every pod runs it."""
        return [
            max(0.0, acknowledged - answered)
            for answered, acknowledged in zip(self.answered, self.acknowledged, strict=True)
        ]


class Spent:
    """CPU time that an operator and its routers have spent since this was made."""

    def __init__(self, operator: int, routers: Sequence[int]) -> None:
        """By their process ids."""
        self._operator = operator
        self._routers = routers
        self._before = self._now()

    def milliseconds(self, changes: int) -> tuple[float, float]:
        """For one change: of the operator, and of one router."""
        operator, routers = (
            after - before for after, before in zip(self._now(), self._before, strict=True)
        )
        share = 1000 / changes
        return operator * share, routers * share / len(self._routers)

    def _now(self) -> tuple[float, float]:
        return cpu_of(self._operator), sum(map(cpu_of, self._routers))


def latency_rows(what: str, found: Latencies) -> list[Row]:
    """Medians and 99th percentiles, beside their targets."""
    median = statistics.median(found.acknowledged)
    late = percentile(found.acknowledged, 0.99)
    status = percentile(found.programmed, 0.99)
    return [
        row(what + "to the last acknowledgement, median", median, 0.1),
        row(what + "to the last acknowledgement, p99", late, 0.5),
        row(what + "to Programmed=True, p99", status, 1.0),
    ]


def row(what: str, seconds: float, target: float) -> Row:
    """A latency beside its target."""
    return Row(what, f"{seconds * 1000:.0f} ms", f"< {target * 1000:.0f} ms", seconds < target)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def mebibytes(size: int) -> str:
    """Bytes for people."""
    return f"{size / MEBIBYTE:.0f} MB"
