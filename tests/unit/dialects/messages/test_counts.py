"""What a stream of messages cost, of which its beginning and its end each say a part."""

from __future__ import annotations

import pytest

from airouter.dialects.conversation import Usage
from airouter.dialects.messages.counts import Counts, later, parse_usage, usage_of

BEGUN = parse_usage(Counts(input_tokens=10, cache_read_input_tokens=5, output_tokens=1))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (Counts(output_tokens=7), (15, 5, 7)),
        (Counts(input_tokens=10, output_tokens=7), (15, 5, 7)),
        (Counts(input_tokens=12, cache_read_input_tokens=4, output_tokens=7), (16, 4, 7)),
    ],
)
def test_the_end_is_filled_with_what_the_beginning_said(
    end: Counts, expected: tuple[int, int, int]
) -> None:
    usage = later(BEGUN, parse_usage(end))
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == expected


def test_an_end_without_a_beginning_stands_alone() -> None:
    assert later(None, Usage(output_tokens=3)) == Usage(output_tokens=3)


def test_the_cost_of_a_whole_message_is_read() -> None:
    assert usage_of(b'{"usage":{"input_tokens":9,"output_tokens":7}}') == Usage(
        input_tokens=9, output_tokens=7
    )
    deep = b'{"usage":{"output_tokens":7},"x":' + b"[" * 200_000
    for body in (b"", b"{}", b"[1]", b'{"usage":5}', b'{"usage":null}', b"\xff", deep):
        assert usage_of(body) is None
