"""The numbers at the head of the page, each with its curve of the last fifteen minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airouter.costs import PICODOLLARS
from airouter.telemetry.history import STEP, Point, RequestTally, total_of
from airouter.web import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airouter.telemetry.history import TrafficHistory

CURVE = 60
"""Points of a curve, at most twice as many: of a long time, each stands for several steps."""
NOW = 2
"""Steps that are "now": ten seconds, long enough for a number that can be read."""
LAST_MINUTES = 60
"""Steps of which rare things are told: five minutes."""
WIDTH, HEIGHT = 100, 26
HOUR = 3600.0


@dataclass(frozen=True)
class Figure:
    """A number, what it is, and its curve."""

    id: str
    value: str
    label: str
    points: str
    """Of an SVG polyline, in a box of `WIDTH` times `HEIGHT`; empty without any."""
    is_bad: bool = False


class FigureLine:
    """The numbers of now, summed up once for each step of time."""

    def __init__(self, history: TrafficHistory) -> None:
        self._history = history
        self._step = -1
        self._summed: list[Figure] = []
        self._flights = ""

    def read(self, in_flight: int) -> list[Figure]:
        """Return the numbers of now; `in_flight` is the number of attempts under way."""
        history = self._history
        history.advance()
        if self._step != history.step:
            points = list(history.points)
            self._step, self._summed = history.step, figures_of(points)
            self._flights = polyline([float(point.in_flight) for point in thinned(points)])
        flight = Figure("f-flight", wording.amount(in_flight), "in flight", self._flights)
        return [*self._summed, flight]


def thinned(points: Sequence[Point]) -> Sequence[Point]:
    """Return as many points as a curve has, the newest among them."""
    size = max(1, len(points) // CURVE)
    return points[::-size][::-1]


def figures_of(points: Sequence[Point]) -> list[Figure]:
    """Return the numbers of the steps that are over."""
    size = max(1, len(points) // CURVE)
    groups = [
        total_of(point.tally for point in points[start : start + size])
        for start in range(len(points) % size, len(points), size)
    ]
    now = total_of(point.tally for point in points[-NOW:])
    minutes = total_of(point.tally for point in points[-LAST_MINUTES:])
    span = max(min(len(points), NOW), 1) * STEP
    long_span = max(min(len(points), LAST_MINUTES), 1) * STEP
    p50, p95 = (wording.span_of(minutes.wait(share)) for share in (0.5, 0.95))
    return [
        Figure("f-rate", wording.amount(now.requests / span), "requests / s", curve(groups, rate)),
        Figure(
            "f-errors",
            wording.percent(minutes.errors, minutes.requests),
            "errors, 5 min",
            curve(groups, failing),
            is_bad=minutes.errors > 0,
        ),
        Figure("f-wait", p95, f"first token p95 · p50 {p50}", curve(groups, waited)),
        Figure("f-tokens", wording.amount(now.tokens / span), "tokens / s", curve(groups, tokens)),
        Figure(
            "f-cost",
            wording.dollars(minutes.cost / PICODOLLARS / long_span * HOUR),
            "per hour, at this pace",
            curve(groups, cost),
        ),
    ]


def rate(tally: RequestTally) -> float:
    """Return the requests of a point."""
    return tally.requests


def failing(tally: RequestTally) -> float:
    """Return the share of a point's requests that failed."""
    return tally.errors / tally.requests if tally.requests else 0.0


def waited(tally: RequestTally) -> float:
    """Return the 95th percentile of a point."""
    return tally.wait(0.95) or 0.0


def tokens(tally: RequestTally) -> float:
    """Return the tokens of a point."""
    return tally.tokens


def cost(tally: RequestTally) -> float:
    """Return the cost of a point."""
    return tally.cost


def curve(groups: Sequence[RequestTally], value: Callable[[RequestTally], float]) -> str:
    """Return the curve of a value."""
    return polyline([value(tally) for tally in groups])


def polyline(values: Sequence[float]) -> str:
    """Return values as points; fewer than two make no line."""
    if len(values) < 2:
        return ""
    top = max(values) or 1.0
    across, up = WIDTH / (len(values) - 1), HEIGHT - 2
    return " ".join(
        f"{place * across:.1f},{HEIGHT - 1 - up * value / top:.1f}"
        for place, value in enumerate(values)
    )
