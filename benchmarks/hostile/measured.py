"""The bar, and how far an input is from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.hostile.asking import Answer

SLOWEST = 0.25
"""Seconds of the slowest small answer."""
MOST_MEMORY = 512
"""MiB of the router."""
HEAD = (
    "| one client sends | slowest answer of another | p99 | answers | echo, slowest | memory | |",
    "|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Measured:
    """The small answers beside an input, and the router's peak of memory in bytes."""

    what: str
    answers: Sequence[Answer]
    echoes: Sequence[Answer]
    peak: int

    @property
    def slowest(self) -> float:
        """Seconds of the slowest answer."""
        return slowest(self.answers)

    @property
    def refused(self) -> int:
        """How many small requests had no good answer."""
        return sum(each.status != "200" for each in self.answers)

    @property
    def met(self) -> bool:
        """Whether the bar is met."""
        return self.slowest <= SLOWEST and self.peak >> 20 <= MOST_MEMORY and not self.refused

    def __str__(self) -> str:
        took = sorted(each.took for each in self.answers)
        told = f"{len(took)}" + (f", {self.refused} not 200" if self.refused else "")
        cells = (
            self.what,
            f"{self.slowest * 1e3:.0f} ms",
            f"{took[int(len(took) * 0.99)] * 1e3:.0f} ms",
            told,
            f"{slowest(self.echoes) * 1e3:.0f} ms",
            f"{self.peak >> 20} MiB",
            "met" if self.met else "**missed**",
        )
        return "| " + " | ".join(cells) + " |"


def slowest(answers: Sequence[Answer]) -> float:
    """Return the seconds of the slowest answer."""
    return max(each.took for each in answers)
