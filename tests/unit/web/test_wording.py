"""Numbers as the page writes them."""

from __future__ import annotations

import pytest

from airouter.web import wording


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0923, "0.09"), (7, "7"), (41.83, "41.8"), (100, "100"), (12_400, "12.4 k")],
)
def test_amounts_are_short(value: float, text: str) -> None:
    assert wording.amount(value) == text


def test_durations_and_shares_and_money_have_their_units() -> None:
    assert [wording.span_of(each) for each in (None, 0.012, 1.44)] == [
        "\N{EN DASH}",
        "12 ms",
        "1.4 s",
    ]
    assert [wording.percent(*each) for each in ((0, 0), (0, 9), (1, 8), (9, 9))] == [
        "\N{EN DASH}",
        "0 %",
        "12.5 %",
        "100 %",
    ]
    assert [wording.cost_text(each) for each in (0.0, 0.00001, 0.0123)] == [
        *("0.0000", "< 0.0001", "0.0123")
    ]
    assert [wording.dollars(each) for each in (0.0031, 1234.5)] == ["$ 0.0031", "$ 1,234.50"]
