"""A line of the result."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A measured quantity, its figure, and how close to the goal it is."""

    what: str
    figure: str
    ratio: str = ""
    target: str = ""
    met: bool | None = None
