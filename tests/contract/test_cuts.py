"""Streams of every provider, cut at every byte: clients get the same, whatever the cut."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from airouter.dialects import chat, messages
from airouter.dialects import converse as converse_dialect
from airouter.dialects import gemini as gemini_dialect
from airouter.dialects.conversation import Conversation, Destination, Text
from airouter.dialects.conversation import Turn as NeutralTurn
from airouter.dialects.translation.stream_translator import StreamTranslator
from contract.services.bedrock import answers as converse
from contract.services.bedrock.service import frame
from contract.services.google import answers as gemini
from contract.services.openai import answers as openai
from contract.services.stand_in import Call, Turn, sse

TURN = Turn(
    thinking="Grüße 🎉 an alle",
    text="Schönes «Wetter» 🌤 heute",
    calls=(Call("weather", {"city": "Zürich"}), Call("time", {"zone": "Ö\u2028\n"})),
    cited=True,
    cached_tokens=3,
    thinking_tokens=4,
)
ASKED = Conversation(
    dialect="chat",
    turns=(NeutralTurn(role="user", parts=(Text(text="Hi"),)),),
    stream=True,
    include_usage=True,
)
ANTHROPIC: list[dict[str, Any]] = [
    {
        "type": "message_start",
        "message": {"id": "msg_1", "model": "claude", "content": [], "usage": {"input_tokens": 9}},
    },
    {"type": "ping"},
    {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "thinking", "thinking": "", "signature": ""},
    },
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "thinking_delta", "thinking": "Grüße 🎉"},
    },
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "signature_delta", "signature": "c2ln"},
    },
    {"type": "content_block_stop", "index": 0},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}},
    },
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "input_json_delta", "partial_json": '{"city": "Zür'},
    },
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "input_json_delta", "partial_json": 'ich"}'},
    },
    {"type": "content_block_stop", "index": 1},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 7},
    },
    {"type": "message_stop"},
]


def from_openai() -> bytes:
    calls = (("weather", '{"city": "Zürich"}'),)
    turn = openai.Turn(text=str(TURN.text), calls=calls)
    body = {"model": "m", "stream_options": {"include_usage": True}}
    return b"".join(openai.events("chat", body, turn))


def from_anthropic() -> bytes:
    return b"".join(sse(event, event["type"]) for event in ANTHROPIC)


def from_gemini() -> bytes:
    return b"".join(map(sse, gemini.events(TURN, {}, "gemini-3-pro-preview", set())))


def from_bedrock() -> bytes:
    response = converse.whole(TURN, {}, "m", converse.Signatures())
    return b"".join(frame(name, payload) for name, payload in converse.events(response))


CLIENTS = {"chat": chat.CLIENT, "messages": messages.CLIENT}
UPSTREAMS = {
    "openai": chat.UPSTREAM,
    "messages": messages.UPSTREAM,
    "gemini": gemini_dialect.UPSTREAM,
    "converse": converse_dialect.UPSTREAM,
}
STREAMS: dict[str, Callable[[], bytes]] = {
    "openai": from_openai,
    "messages": from_anthropic,
    "gemini": from_gemini,
    "converse": from_bedrock,
}


def translated(speech: str, client: str, pieces: list[bytes]) -> bytes:
    """What a client gets, made-up ids and times put aside."""
    found = written(speech, client, pieces)
    return re.sub(rb'"(?:id":"(?:chatcmpl-|msg_)[^"]*"|created":\d+)', b'"', found)


def written(speech: str, client: str, pieces: list[bytes]) -> bytes:
    """What a client gets."""
    upstream = UPSTREAMS[speech]
    out: list[bytes] = []
    destination = Destination(model="m", maker="maker")
    translator = StreamTranslator(
        upstream.framing(),
        upstream.stream_parser(destination),
        CLIENTS[client].stream_renderer(ASKED),
        out.append,
        model="m",
    )
    for piece in pieces:
        translator.feed(piece)
    translator.finish()
    return b"".join(out)


@pytest.mark.parametrize("client", ["chat", "messages"])
@pytest.mark.parametrize("speech", STREAMS)
def test_a_cut_anywhere_changes_nothing(speech: str, client: str) -> None:
    data = STREAMS[speech]()
    whole = translated(speech, client, [data])
    assert whole.endswith(b"[DONE]\n\n" if client == "chat" else b'"message_stop"}\n\n')
    assert all(
        translated(speech, client, [data[:at], data[at:]]) == whole for at in range(len(data))
    )
    assert translated(speech, client, [data[at : at + 1] for at in range(len(data))]) == whole


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_lines_may_end_as_the_standard_allows(line_end: str) -> None:
    data = from_anthropic()
    whole = translated("messages", "chat", [data])
    other = data.replace(b"\n", line_end.encode())
    assert all(
        translated("messages", "chat", [other[:at], other[at:]]) == whole
        for at in range(0, len(other), 3)
    )


def test_a_stream_of_json_is_whole_in_every_event() -> None:
    """Each event is written at once and can be read alone."""
    found = written("gemini", "messages", [from_gemini()])
    for event in found.decode().split("\n\n")[:-1]:
        name, data = event.split("\n")
        assert json.loads(data.removeprefix("data: "))["type"] == name.removeprefix("event: ")
