"""Texts that may be joined to one are bounded together, where that would widen them."""

from __future__ import annotations

import pytest

from airouter.dialects.conversation import Role, Text, ToolResult, Turn
from airouter.dialects.long_texts import MOST_MADE, check_rows
from airouter.failures import Failure

LONG, WIDE = "a" * MOST_MADE, "\U0001f600"


def turn(role: Role, *texts: str) -> Turn:
    return Turn(role=role, parts=tuple(Text(text=text) for text in texts))


def result(text: str) -> Turn:
    given = ToolResult(call_id="c", parts=(Text(text=WIDE), Text(text=text)))
    return Turn(role="user", parts=(given,))


@pytest.mark.parametrize(
    "turns",
    [
        [turn("user", LONG, WIDE)],
        [turn("assistant", WIDE, LONG)],
        [turn("user", WIDE), turn("user", LONG)],
        [turn("system", LONG), turn("developer", WIDE), turn("user", "a")],
        [result(LONG)],
    ],
    ids=["parts", "the model's parts", "turns in a row", "instructions", "a result"],
)
def test_long_texts_in_a_row_are_refused_where_one_is_not_ascii(turns: list[Turn]) -> None:
    with pytest.raises(Failure) as caught:
        check_rows(turns)
    assert (caught.value.status, caught.value.code) == (400, "string_above_max_length")


@pytest.mark.parametrize(
    "turns",
    [
        [turn("user", LONG, LONG)],
        [turn("user", LONG + WIDE)],
        [turn("user", LONG), turn("assistant", WIDE), turn("user", LONG)],
    ],
    ids=["ascii", "one text", "others between"],
)
def test_texts_that_are_not_widened_may_be_long(turns: list[Turn]) -> None:
    check_rows(turns)
