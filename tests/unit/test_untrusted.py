"""JSON that somebody else wrote."""

from __future__ import annotations

import msgspec
import pytest

from airouter.untrusted import decoded, decoded_or_none

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
