"""The calls that are pending are found in linear time."""

from __future__ import annotations

import math
import time

import msgspec

from airouter.responses.compaction.compactor import parted


def seconds_to_part(number: int) -> float:
    """The time to find the calls that are pending, among many thoughts and calls."""
    thought = {"type": "reasoning", "summary": []}
    call = {"type": "function_call", "name": "f", "arguments": "{}"}
    calls = [{**call, "call_id": f"c{n}"} for n in range(number)]
    items = [msgspec.Raw(msgspec.json.encode(item)) for item in [*[thought] * number, *calls]]
    begun = time.process_time()
    past, waiting = parted(items)
    taken = time.process_time() - begun
    assert (len(past), len(waiting)) == (0, 2 * number)
    return taken


def exponent() -> float:
    """The power of the number that the time grows with; a busy machine makes it look higher."""
    few, many = (min(seconds_to_part(n) for _ in range(3)) for n in (1_000, 16_000))
    return math.log(many / few, 16)


def test_twice_as_many_thoughts_and_calls_take_twice_as_long_to_part() -> None:
    assert any(exponent() < 1.6 for _ in range(5))
