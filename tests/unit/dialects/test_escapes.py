"""An emoji in two events arrives whole, and half of one makes nothing unreadable."""

from __future__ import annotations

import json

import pytest

from airouter.dialects.chat.usage import UsageReader
from airouter.dialects.escapes import MOST_HALVES, WINDOW, SplitEscapes, with_whole_characters
from airouter.interfaces import BufferedReply
from unit.dialects.responses.asking import events_in, request, translation


def chunk(content: bytes) -> bytes:
    """A chunk of chat with a content as its server escaped it."""
    return b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % content


HALVES = [chunk(rb"Hi \ud83d"), chunk(rb"\uDE00!")]
ENDS_WITH_HALF = HALVES[1].replace(b"}]}", b',"finish_reason":"stop"}]}')
STOP = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'


def test_an_emoji_in_two_events_is_translated_whole() -> None:
    out: list[bytes] = []
    stream_filter = translation("openai").stream_filter(request({"stream": True}), out.append)
    for piece in [*HALVES, STOP]:
        stream_filter.feed(piece)
    stream_filter.finish()
    (item,) = events_in(b"".join(out))[-1]["response"]["output"]
    assert item["content"][0]["text"] == "Hi 😀!"


def test_an_emoji_that_ends_in_a_last_event_without_its_line_is_translated_whole() -> None:
    out: list[bytes] = []
    stream_filter = translation("openai").stream_filter(request({"stream": True}), out.append)
    stream_filter.feed(HALVES[0] + ENDS_WITH_HALF.rstrip())
    stream_filter.finish()
    (item,) = events_in(b"".join(out))[-1]["response"]["output"]
    assert item["content"][0]["text"] == "Hi 😀!"


def test_an_emoji_in_two_events_is_whole_where_the_stream_becomes_a_whole_answer() -> None:
    stream = BufferedReply(200, {}, b"".join([*HALVES, STOP]))
    answer = translation("openai").answer(request({}), [stream])
    (item,) = json.loads(answer.body)["output"]
    assert item["content"][0]["text"] == "Hi 😀!"


def test_an_emoji_in_two_events_passes_through() -> None:
    out: list[bytes] = []
    reader = UsageReader(out.append)
    reader.feed(b"".join([*HALVES, STOP]))
    reader.finish()
    assert b"".join(out).startswith(b"".join(HALVES))


@pytest.mark.parametrize(
    "text", [rb"a\ud83d\ude00b", rb"\\ud83d", rb"{\"x\":\"\\ud83d\\ude00\"}", rb"\u00e9", b"plain"]
)
def test_what_is_whole_stays_as_it_is(text: bytes) -> None:
    assert SplitEscapes().joined(text) == text


@pytest.mark.parametrize("pieces", [(rb"\ude00",), (rb"\ud83d", rb"\ud83d", rb"\ude00")])
def test_a_half_that_stays_alone_is_an_unknown_character(pieces: tuple[bytes, ...]) -> None:
    escapes = SplitEscapes()
    told = b"".join(map(escapes.joined, pieces))
    assert json.loads(b'"%b"' % told) in ("\ufffd", "\ufffd😀")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (rb"cut \ud83d", "cut \ufffd"),
        (rb"\uDE00 cut", "\ufffd cut"),
        (rb"\ud83d\u0041", "\ufffdA"),
        (rb"\ud83d\n", "\ufffd\n"),
        (rb"\ud83d\ud83d\ude00", "\ufffd😀"),
        (rb"\\ud83d \\\ud83d", "\\ud83d \\\ufffd"),
        (rb"\u00e9\ud83d", "é\ufffd"),
        (b"x" * (WINDOW - 12) + rb"\ud83d\ude00\ud83d", "x" * (WINDOW - 12) + "😀\ufffd"),
    ],
    ids=["first", "second", "letter", "line end", "pair", "backslash", "escape", "window"],
)
def test_half_of_a_character_in_a_body_is_an_unknown_one(text: bytes, read: str) -> None:
    found = with_whole_characters(b'{"a":"%b"}' % text)
    assert found is not None
    assert json.loads(found) == {"a": read}


@pytest.mark.parametrize(
    "body",
    [
        rb'{"a":"\ud83d\ude00"}',
        rb'{"a":"\\ud83d"}',
        rb'{"a":"\ud8',
        rb'{"a":"\ud83d\u',
        b'{"a":"%b"}' % (rb"\ud83d" * (MOST_HALVES + 1)),
    ],
    ids=["pair", "backslash", "cut", "cut after a half", "many"],
)
def test_a_body_without_a_half_or_that_has_other_faults_is_left_as_it_is(body: bytes) -> None:
    assert with_whole_characters(body) is None
