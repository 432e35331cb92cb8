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


def test_twice_as_many_thoughts_and_calls_take_twice_as_long_to_part() -> None:
    few, many = (min(seconds_to_part(n) for _ in range(5)) for n in (500, 8_000))
    assert math.log(many / few, 16) < 1.2
