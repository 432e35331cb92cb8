"""Amounts of money as budgets count them: whole billionths of a US dollar."""

from __future__ import annotations

from decimal import Decimal

NANODOLLARS = 10**9
"""Billionths in a US dollar."""


def nanodollars_in(usd: str) -> int:
    """Return an amount of US dollars, a decimal with at most nine digits after the point."""
    return int(Decimal(usd) * NANODOLLARS)


def usd_text(nanodollars: int) -> str:
    """Return an amount in US dollars, as a decimal."""
    sign = "-" if nanodollars < 0 else ""
    whole, rest = divmod(abs(nanodollars), NANODOLLARS)
    return f"{sign}{whole}.{rest:09}".rstrip("0").rstrip(".")
