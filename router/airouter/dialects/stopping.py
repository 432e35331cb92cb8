"""The reason why an answer stopped, corrected by the calls that are in it.

Some servers name the wrong one. Clients go by it: one that hears of calls waits for some, one that
hears of the end overlooks them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airouter.dialects.conversation import Stop


def stop_by_calls(stop: Stop, *, called: bool) -> Stop:
    """Return `tool_calls` or `end` by whether there are calls; any other reason stays."""
    if stop in {"end", "tool_calls"}:
        return "tool_calls" if called else "end"
    return stop
