"""Events about budgets of RouterKeys that are exhausted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter_operator.issuing.key_spending import exhausted_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airouter_operator.kube.objects import Object, ObjectKey
    from airouter_operator.reconciling.events import EventRecorder

QUIET = 3600.0
"""Seconds for which a key makes no second Event: small requests may have room where others have
none, and so it turns.
"""


class BudgetEvents:
    """Writes an Event when a budget of a key is exhausted."""

    def __init__(self, events: EventRecorder, clock: Callable[[], float]) -> None:
        """`clock` returns seconds."""
        self._events = events
        self._clock = clock
        self._last: dict[ObjectKey, float] = {}
        """The times of Events of the last hour."""

    async def record(
        self, key: ObjectKey, body: Object, before: Mapping[str, object], after: Object
    ) -> None:
        """Write an Event where the budget was not exhausted before and is now."""
        now, was, now_is = self._clock(), exhausted_in(before), exhausted_in(after)
        if now_is is None or now_is["status"] != "True" or (was and was["status"] == "True"):
            return
        self._last = {other: at for other, at in self._last.items() if at <= now < at + QUIET}
        if key not in self._last:
            self._last[key] = now
            await self._events.post(body, "Warning", now_is["reason"], now_is["message"])
