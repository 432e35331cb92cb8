"""Words that are found in JSON however it spells them."""

from __future__ import annotations

import json

import pytest

from airouter.dialects.spelling import with_words_bare
from airouter.untrusted import WINDOW


@pytest.mark.parametrize(
    ("written", "word"),
    [
        (rb'{"type":"\u0069tem_reference"}', b'"item_reference"'),
        (rb'{"type":"item\u005Freferenc\u0065"}', b'"item_reference"'),
        (rb'{"type":"compaction_trigge\u0072"}', b'"compaction_trigger"'),
        (rb'{"\u0069d":"msg_1"}', b'"id"'),
        (rb'{"i\u0064":"msg_1"}', b'"id"'),
        (rb'{"\u0069\u0064":"msg_1"}', b'"id"'),
    ],
)
def test_what_a_request_is_looked_through_for_is_found(written: bytes, word: bytes) -> None:
    bare = with_words_bare(written)
    assert word in bare
    assert json.loads(bare) == json.loads(written)


@pytest.mark.parametrize(
    "written",
    [
        rb"\u005f\u005fairouter1_abc",
        rb"_\u005Fairouter1_abc",
        rb"__\u0061i\u0072outer1_abc",
        rb"\\\\__airoute\u00721_abc",
    ],
)
def test_a_mark_is_found_however_json_escapes_it(written: bytes) -> None:
    bare = with_words_bare(b'["%b"]' % written)
    assert b"__airouter1_abc" in bare
    assert json.loads(bare) == json.loads(b'["%b"]' % written)


@pytest.mark.parametrize(
    "text", [rb'"\\u005f_airouter1_"', rb'"a\u0061 \u00e9 \u0007"', b'"\xc3\xa9"']
)
def test_json_without_a_mark_stays_as_it_is(text: bytes) -> None:
    assert with_words_bare(text) == text


@pytest.mark.parametrize("window", range(40))
def test_an_escaped_mark_is_found_wherever_it_stands_in_a_large_body(window: int) -> None:
    before = rb"caf\u00e9\\\n" * (WINDOW // 11) + b"x" * window
    written = b'["%b\\u005f\\u005Fairo\\u0075ter1_abc"]' % before
    bare = with_words_bare(written)
    assert b"__airouter1_abc" in bare
    assert json.loads(bare) == json.loads(written)


def test_a_body_without_a_mark_is_left_as_it_is_whatever_its_escapes() -> None:
    written = b'["%b"]' % (rb"\u0061\u005f\\" * WINDOW)
    assert with_words_bare(written) is written
