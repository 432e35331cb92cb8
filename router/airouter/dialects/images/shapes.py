"""A size as OpenAI writes it, in Google's words: an aspect ratio, and about how many pixels.

Google's models choose the pixels themselves, so a size is taken for its shape, which must be one
that they draw exactly, and for the resolution that its longer edge belongs to.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

SIZE = re.compile(r"([1-9]\d{1,3})x([1-9]\d{1,3})")
NEAREST = {"1792x1024": "16:9", "1024x1792": "9:16"}
"""Sizes that OpenAI's clients have always sent for wide and tall: 7:4, which Google cannot draw."""
RESOLUTIONS = ((1_792, "1K"), (2_816, "2K"), (5_632, "4K"))
"""Longer edges up to these pixels; nothing smaller than `1K` is drawn."""


class Shape(NamedTuple):
    """An aspect ratio and a resolution, such as `3:2` and `1K`."""

    ratio: str
    resolution: str


def shape_of(size: str) -> Shape | None:
    """Return the shape of a size such as `1536x1024`; None where it is not one."""
    found = SIZE.fullmatch(size)
    if found is None:
        return None
    width, height = int(found[1]), int(found[2])
    longer = max(width, height)
    resolution = next((name for most, name in RESOLUTIONS if longer <= most), None)
    if resolution is None:
        return None
    common = math.gcd(width, height)
    return Shape(NEAREST.get(size) or f"{width // common}:{height // common}", resolution)
