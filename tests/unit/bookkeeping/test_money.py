"""Amounts of money are read and written without a rounding."""

from __future__ import annotations

import pytest

from airouter.bookkeeping.money import nanodollars_in, usd_text


@pytest.mark.parametrize(
    ("usd", "nanodollars"),
    [("0", 0), ("41.2", 41_200_000_000), ("0.000000001", 1), ("-0.5", -500_000_000)],
)
def test_an_amount_is_told_as_a_decimal_and_read_again(usd: str, nanodollars: int) -> None:
    assert usd_text(nanodollars) == usd
    assert nanodollars_in(usd) == nanodollars
