"""The conditions of a case: how long, how often, and beside what."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import wrk
from benchmarks.processes import Running


@dataclass(frozen=True)
class Bench:
    """The length and number of measurements, and where to leave files meanwhile."""

    folder: Path
    seconds: int
    rounds: int
    tell: Callable[[str], None]

    def paired(self, subject: Running, reference: Running) -> tuple[wrk.Load, float]:
        """A server's load and its ratio to the reference, measured in turn; the medians."""
        loads, ratios = [], []
        for _ in range(self.rounds):
            base = wrk.load(reference, self.folder, self.seconds)
            load = wrk.load(subject, self.folder, self.seconds)
            ratio = load.requests_per_second / base.requests_per_second
            self.tell(
                f"  nginx {base.requests_per_second:,.0f}/s {base.cpu_per_request * 1e6:.1f} us, "
                f"router {load.requests_per_second:,.0f}/s {load.cpu_per_request * 1e6:.1f} us: "
                f"{ratio:.3f}"
            )
            loads.append(load)
            ratios.append(ratio)
        loads.sort()
        return loads[len(loads) // 2], statistics.median(ratios)
