"""Ids of calls, of which no two are the same."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from airouter.dialects.unique_ids import UniqueIds


def lines_for(twins: int) -> int:
    """The lines that run for calls with one id, after others with all that might be made of it."""
    ids = UniqueIds()
    given = [f"a_{number}" for number in range(2, twins)] + ["a"] * twins
    ran = 0

    def count(_: FrameType, event: str, __: Any) -> Any:
        nonlocal ran
        ran += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        told = [ids.unique(each) for each in given]
    finally:
        sys.settrace(before)
    assert len(set(told)) == len(given)
    return ran


def test_many_calls_with_one_id_cost_no_more_each() -> None:
    assert lines_for(200) < 3 * lines_for(100)
