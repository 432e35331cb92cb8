"""Rechecks: RouterConfigs that have to be looked at again at a time, though nothing is reported."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter_operator.kube.objects import ObjectKey

TICK = 0.01
"""Seconds, because timers may fire a millisecond early."""


class Rechecks:
    """One timer for each RouterConfig, for the earliest time that was asked for."""

    def __init__(self, add: Callable[[ObjectKey], None]) -> None:
        """Call `add` with each key whose time has come."""
        self._add = add
        self._timers: dict[ObjectKey, asyncio.TimerHandle] = {}

    def within(self, key: ObjectKey, seconds: float) -> None:
        """Have a key looked at after so many seconds, or earlier."""
        loop = asyncio.get_running_loop()
        at = loop.time() + max(0.0, seconds) + TICK
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= at:
                return
            timer.cancel()
        self._timers[key] = loop.call_at(at, partial(self._due, key))

    def forget(self, key: ObjectKey) -> None:
        """Forget a key that is gone."""
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _due(self, key: ObjectKey) -> None:
        del self._timers[key]
        self._add(key)
