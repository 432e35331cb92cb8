"""Budgets as a snapshot has them."""

from __future__ import annotations

import msgspec


class PeriodBudget(msgspec.Struct, frozen=True, omit_defaults=True):
    """Money for each period of a time zone's calendar."""

    usd: str
    """A decimal with at most nine digits after the point."""
    period: str
    """Day, Week, Month or Total."""
    time_zone: str = "UTC"
    refuses: bool = True
    """Whether requests are refused once it is spent; else their clients are only told."""
    stops_streams: bool = True
    """Whether a stream ends for which nothing is left."""
