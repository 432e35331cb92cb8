"""JSON that somebody else wrote."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter import untrusted
from airouter.untrusted import (
    BLOCK,
    OF_A_FIELD,
    OF_AN_OBJECT,
    WINDOW,
    decoded,
    decoded_or_none,
    has_more_than,
    holds,
    wide_text,
)

UNREADABLE = {
    "malformed": b'{"a": ',
    "of another shape": b"[]",
    "not UTF-8": b'{"a": "\xff"}',
    "nested too deeply": b'{"a":' * 100_000,
}

decoder = msgspec.json.Decoder(dict[str, object])


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_what_the_reader_calls_it(data: bytes) -> None:
    with pytest.raises(LookupError, match="no answer"):
        decoded(decoder, data, LookupError, "no answer")


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_none(data: bytes) -> None:
    assert decoded_or_none(decoder, data) is None


def test_what_can_be_read_is_decoded() -> None:
    assert decoded(decoder, b'{"a": 1}', LookupError, "") == {"a": 1}
    assert decoded_or_none(decoder, b'{"a": 1}') == {"a": 1}


JSON = st.recursive(
    st.none() | st.integers() | st.text(alphabet='a",[{\\\né'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('a"\\', max_size=2), inner),
)


def values_in(value: Any) -> int:
    """The commas between the values of something, and what its fields and objects count for."""
    if not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    fields = len(value) if isinstance(value, dict) else 0
    own = OF_AN_OBJECT + OF_A_FIELD * fields + max(0, len(value) - 1)
    return own + sum(map(values_in, inner))


@given(JSON, st.sampled_from([2, 3, 5, 8, 65_536]))
def test_values_are_counted_wherever_the_windows_end(value: Any, window: int) -> None:
    body, number = json.dumps(value, ensure_ascii=False).encode(), values_in(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(untrusted, "WINDOW", window)
        assert not has_more_than(body, number, 99)
        assert number == 0 or has_more_than(body, number - 1, 99)


@given(st.binary(max_size=40), st.sampled_from([2, 3, 65_536]))
def test_counting_ends_for_whatever_is_no_json(body: bytes, window: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(untrusted, "WINDOW", window)
        assert not has_more_than(body, 1_000, 99)


@given(
    st.dictionaries(
        st.text('a"\\', max_size=9),
        st.sampled_from([1, "a,[", [1, {"b": 2, "c": []}], {"c": [3, 4], "d": 5}]),
        min_size=1,
        max_size=9,
    )
)
def test_fields_are_counted_at_the_top_alone(value: Any) -> None:
    body = json.dumps(value).encode()
    assert not has_more_than(body, 10_000, len(value))
    assert has_more_than(body, 10_000, len(value) - 1)


@pytest.mark.parametrize("before", [0, 9, BLOCK - 7, BLOCK - 1, BLOCK, 2 * BLOCK - 3])
def test_a_word_is_found_wherever_it_stands(before: int) -> None:
    assert holds(b"x" * before + b"the word", b"the word")
    assert not holds(b"x" * before + b"the wor", b"the word")


@given(JSON, st.sampled_from([2, 3, 5, 65_536]))
def test_no_wide_string_is_overlooked_wherever_the_windows_end(value: Any, window: int) -> None:
    body = json.dumps(value, ensure_ascii=False).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(untrusted, "WINDOW", window)
        found = wide_text(body)
    assert found >= sum(map(len, wide_strings(value)))
    assert found <= len(body) + len(body) // window + 1  # pieces may share a byte
    assert found == 0 or not body.isascii()


def wide_strings(value: Any) -> list[str]:
    """The strings of something that are not all ASCII."""
    match value:
        case str():
            return [] if value.isascii() else [value]
        case list():
            return [each for item in value for each in wide_strings(item)]
        case dict():
            return wide_strings([*value.keys(), *value.values()])
    return []


@pytest.mark.parametrize("wide", ["\U0001f600".encode(), b"\\ud83d\\ude00"])
@pytest.mark.parametrize("quotes", [b"", rb"\""])
def test_one_wide_character_makes_all_of_its_string_wide(wide: bytes, quotes: bytes) -> None:
    narrow = (b"x" * 1_000 + quotes) * 1_000
    size = len(narrow)
    assert wide_text(b'{"a":"%b","b":"%b"}' % (narrow, narrow)) == 0
    for text in (wide + narrow, narrow + wide, narrow + wide + narrow):
        found = wide_text(b'{"file":"%b","a":"%b","image":"%b"}' % (narrow, text, narrow))
        assert len(text) <= found <= len(text) + 2 * WINDOW < len(text) + size
