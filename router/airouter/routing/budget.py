"""The budget of retries, which keeps them from multiplying the load of a provider that is down.

Retries may be at most a share of the requests, with a small reserve so that a quiet router can
still retry.
"""

from __future__ import annotations

RESERVE = 10.0
MOST = 10 * RESERVE
"""Retries that a quiet time may save up, about."""


class Budget:
    """The retries that are left: every request adds its share, every retry takes one."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = RESERVE

    def deposit(self, percent: float) -> None:
        """Add the share of one request."""
        if self._left < MOST:
            self._left += percent / 100.0

    def withdraw(self) -> bool:
        """Take one retry; False when there is none left."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
