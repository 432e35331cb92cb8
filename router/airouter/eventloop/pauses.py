"""Pauses after failures: longer each time, and not equally long for all replicas."""

from __future__ import annotations

import random

MANY = 16
"""Failures after which no pause gets longer: a power of two stays a small number."""


def pause_after(failures: int, first: float, longest: float) -> float:
    """Return the seconds to wait after a number of failures in a row, which counts from 1.

    Twice as many each time, up to the longest; of those, at random, at least half.
    """
    pause = min(longest, first * 2.0 ** (min(failures, MANY) - 1))
    return pause * random.uniform(0.5, 1.0)
