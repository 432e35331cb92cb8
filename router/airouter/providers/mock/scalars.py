"""Single values that keep to the bounds of a JSON Schema; `schema.py` puts them together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LENGTH = 4_096

FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "mock@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
"""A value of each format that people use; addresses are of the ranges for documentation."""


class NoInstance(ValueError):
    """No value fits a schema, or none that is small."""


def string_of(schema: dict[str, Any]) -> str:
    """Return a string of the format or the length that is asked for. Raises `NoInstance`."""
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", MAX_LENGTH))
    length = max(least, min(4, most))
    if not 0 <= length <= min(most, MAX_LENGTH):
        raise NoInstance
    return "x" * length


def number_of(schema: dict[str, Any], *, whole: bool) -> float:
    """Return the first of a few likely numbers that fits. Raises `NoInstance`."""
    for number in candidates(schema):
        if fits(number, schema) and (not whole or number == int(number)):
            return int(number) if whole else number
    raise NoInstance


def candidates(schema: dict[str, Any]) -> Iterator[float]:
    """Yield 1, then each bound and what lies next to it, then the middle, also on the grid."""
    low = schema.get("minimum", schema.get("exclusiveMinimum", -math.inf))
    high = schema.get("maximum", schema.get("exclusiveMaximum", math.inf))
    step = schema.get("multipleOf", 1)
    yield 1
    for bound, sign in ((low, 1), (high, -1)):
        if math.isfinite(bound):
            on_grid = sign * math.ceil(sign * bound / step) * step
            yield from (bound, on_grid, on_grid + sign * step)
    if math.isfinite(low) and math.isfinite(high):
        yield (low + high) / 2
    yield step


def fits(number: float, schema: dict[str, Any]) -> bool:
    """Return whether a number keeps to the bounds of a schema."""
    steps = number / schema.get("multipleOf", number or 1)
    return (
        schema.get("minimum", -math.inf) <= number <= schema.get("maximum", math.inf)
        and schema.get("exclusiveMinimum", -math.inf) < number
        and number < schema.get("exclusiveMaximum", math.inf)
        and math.isclose(steps, round(steps))
    )
