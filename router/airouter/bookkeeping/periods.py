"""The periods of budgets: days, weeks and months of a time zone, each from midnight to midnight."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


class Period(NamedTuple):
    """One period. Times are Unix seconds."""

    name: str
    """Unlike that of any other period, of another zone too."""
    begins: float
    ends: float | None
    """None where it never ends."""


def period_at(kind: str, zone: ZoneInfo, now: float) -> Period:
    """Return the period of a kind (Day, Week, Month, Total) that a moment is in.

    Where a midnight is left out, as summer time begins with it, the period begins with the first
    moment of its day.
    """
    today = datetime.fromtimestamp(now, zone).date()
    if kind == "Total":
        return Period("Total", 0.0, None)
    if kind == "Month":
        first = today.replace(day=1)
        following = (first + timedelta(days=31)).replace(day=1)
    elif kind == "Week":
        first = today - timedelta(days=today.weekday())
        following = first + timedelta(days=7)
    else:
        first, following = today, today + timedelta(days=1)
    name = f"{kind}/{first.isoformat()}/{zone.key}"
    return Period(name, midnight(first, zone), midnight(following, zone))


def midnight(day: date, zone: ZoneInfo) -> float:
    """Return the Unix time at which a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
