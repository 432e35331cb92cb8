"""Numbers and moments as the page writes them."""

from __future__ import annotations

from datetime import UTC, datetime

DASH = "\N{EN DASH}"


def amount(value: float) -> str:
    """Return a number in at most four characters and a unit: 7, 12.4 k, 2 M."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.2f}".rstrip("0").rstrip(".") if value < 10 else f"{value:.3g}"


def span_of(value: float | None) -> str:
    """Return a duration as ms or s; a dash for none."""
    if value is None:
        return DASH
    return f"{value * 1000:.0f} ms" if value < 1.0 else f"{value:.1f} s"


def percent(part: int, whole: int) -> str:
    """Return a share; a dash of nothing."""
    if not whole:
        return DASH
    share = 100 * part / whole
    return f"{share:.0f} %" if share in {0, 100} else f"{share:.1f} %"


def dollars(value: float) -> str:
    """Return an amount of money, in more digits the smaller it is."""
    if 0 < value < 0.01:
        return f"$ {value:.4f}"
    return f"$ {value:,.2f}"


def cost_text(value: float) -> str:
    """Return what a request costs in dollars, to the hundredth of a cent."""
    return "< 0.0001" if 0 < value < 0.0001 else f"{value:.4f}"


def iso_time(moment: float) -> str:
    """Return Unix seconds as RFC 3339."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
