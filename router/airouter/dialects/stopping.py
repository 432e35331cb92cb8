"""Why an answer stopped, which some servers say otherwise than what is in it.

Clients go by it: one that hears of calls waits for some, one that hears of the end overlooks them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airouter.dialects.conversation import Stop


def stop_by_calls(stop: Stop, *, called: bool) -> Stop:
    """The reason, where it is the end or calls by whether there are any."""
    if stop in {"end", "tool_calls"}:
        return "tool_calls" if called else "end"
    return stop
