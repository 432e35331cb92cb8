"""What an answer says of itself, in each API for clients."""

from __future__ import annotations

import pytest

from airouter.telemetry.genai.answered import Answered, AnswerTap

CHAT = b"""data: {"id":"chatcmpl-1","model":"gpt","choices":[{"delta":{"content":"\\"id\\":\\"x"}}]}

: ping

data: {"id":"chatcmpl-1","model":"gpt","choices":[{"delta":{},"finish_reason":"stop"}]}

data: [DONE]

"""
MESSAGES = b"""event: message_start
data: {"type":"message_start","message":{"id":"msg_1","model":"claude"}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}

"""
RESPONSES = b"""event: response.created
data: {"type":"response.created","response":{"id":"resp_1","model":"gpt"}}

event: response.completed
data: {"type":"response.completed","response":{"id":"resp_1","output":["%s"]}}

"""


def read(*pieces: bytes) -> Answered:
    tap = AnswerTap()
    for piece in pieces:
        tap.add(piece)
    return tap.read()


@pytest.mark.parametrize(
    ("stream", "answered"),
    [
        (CHAT, Answered("chatcmpl-1", "gpt", ("stop",))),
        (MESSAGES, Answered("msg_1", "claude", ("end_turn",))),
        (RESPONSES, Answered("resp_1", "gpt", ("completed",))),
        (b"data: [DONE]\n\n", Answered()),
    ],
)
def test_streams_are_read_however_they_are_cut(stream: bytes, answered: Answered) -> None:
    assert read(stream) == answered
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == answered


def test_a_last_event_that_is_long_still_says_how_it_ended() -> None:
    first, last = RESPONSES.split(b"\n\n")[:2]
    assert read(first + b"\n\n", (last % (b"x" * 20_000)) + b"\n\n").ends == ("completed",)


def test_a_first_event_that_is_long_still_says_whose_it_is() -> None:
    head = b'data: {"type":"response.created","response":{"id":"resp_1","instructions":"'
    assert read(head + b"x" * 20_000 + b'"}}\n\n').id == "resp_1"


@pytest.mark.parametrize(
    ("body", "answered"),
    [
        (
            b'{"id":"c","model":"m","choices":[{"finish_reason":"stop"},{"finish_reason":"length"}]}',
            Answered("c", "m", ("stop", "length")),
        ),
        (b'{"id":"m","model":"c","stop_reason":"end_turn"}', Answered("m", "c", ("end_turn",))),
        (b'{"id":"r","model":"g","status":"incomplete"}', Answered("r", "g", ("incomplete",))),
        (b'{"data":[]}', Answered()),
        (b"no JSON", Answered()),
    ],
)
def test_whole_answers_are_read(body: bytes, answered: Answered) -> None:
    tap = AnswerTap()
    tap.whole(body)
    assert tap.read() == answered


def test_a_very_long_answer_is_read_by_its_edges() -> None:
    tap = AnswerTap()
    choice = b'{"message":{"content":"%s"},"finish_reason":"stop"}' % (b"x" * 300_000)
    tap.whole(b'{"id":"c","model":"m","choices":[' + choice + b"]}")
    assert tap.read() == Answered("c", "m", ("stop",))


def test_content_is_kept_only_as_far_as_there_is_room() -> None:
    tap = AnswerTap(5)
    tap.add(b"abc")
    tap.add(b"defgh")
    assert tap.take_content() == b"abcde"
    none = AnswerTap()
    none.add(b"abc")
    assert none.take_content() == b""
