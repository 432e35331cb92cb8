"""Sums of usage, and what is left of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects.conversation import Usage
from airouter.dialects.spending import COUNTS, added, beyond

counts = st.integers(0, 2**40)
usages = st.builds(Usage, **dict.fromkeys(COUNTS, counts))


def test_every_count_of_usage_is_summed() -> None:
    assert {*COUNTS} == {*Usage.__struct_fields__} - {"native"}


@given(usages, usages)
def test_a_sum_has_beyond_one_part_the_other(one: Usage, other: Usage) -> None:
    assert beyond(added(one, other), one) == other


def test_what_nobody_tells_stays_unknown() -> None:
    told = Usage(input_tokens=3)
    assert added(told, Usage(input_tokens=4)) == Usage(input_tokens=7)
    assert beyond(Usage(output_tokens=5), told) == Usage(output_tokens=5)


def test_nothing_is_left_of_a_sum_that_is_smaller_than_its_part() -> None:
    assert beyond(Usage(input_tokens=3), Usage(input_tokens=4)) == Usage(input_tokens=0)
