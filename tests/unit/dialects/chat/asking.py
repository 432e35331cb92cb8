"""What the tests beside this ask of servers that speak chat completions, and what they answer."""

from __future__ import annotations

from typing import Any

import msgspec

from airouter.dialects.assembly import Assembly
from airouter.dialects.chat import COMPATIBLE, UPSTREAM
from airouter.dialects.conversation import (
    Answer,
    Choice,
    Conversation,
    Destination,
    Json,
    Reasoning,
    Signature,
    ToolCall,
)
from airouter.dialects.dialect import UpstreamDialect
from airouter.dialects.events import Event
from airouter.dialects.messages import CLIENT as MESSAGES
from airouter.dialects.responses import CLIENT as RESPONSES
from support.provider_shapes import problems

QWEN = "qwen3-32b"
HERE = Destination(model=QWEN, maker="OpenAICompatible/key/qwen3-32b")


def completion(message: Json, reason: str | None = "stop", **more: Any) -> Json:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    return {"id": "c1", "created": 1, "model": QWEN, "choices": [choice], **more}


def answer_to(body: Json) -> Answer:
    return COMPATIBLE.parse_response(msgspec.json.encode(body), HERE)


def choice_of(message: Json, reason: str | None = "stop") -> Choice:
    (choice,) = answer_to(completion(message, reason)).choices
    return choice


def chunk(delta: Json, reason: str | None = None, **more: Any) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "c1", "created": 1, "model": QWEN, "choices": [choice], **more}


def calling(*calls: Json, reason: str | None = None) -> Json:
    return chunk({"tool_calls": list(calls)}, reason)


def piece(name: str | None = None, arguments: Any = None, **more: Any) -> Json:
    """Some of a call."""
    function = {"name": name, "arguments": arguments}
    given = {key: value for key, value in function.items() if value is not None}
    return {"type": "function", "function": given, **more}


def heard(*chunks: Json | bytes, done: bool = True) -> list[Event]:
    """The events of a stream; bytes stand in it as they are."""
    framing, parser = COMPATIBLE.framing(), COMPATIBLE.stream_parser(HERE)
    written = [each if isinstance(each, bytes) else sse(each) for each in chunks]
    data = b"".join(written) + (b"data: [DONE]\n\n" if done else b"")
    found = [event for frame in framing.feed(data) for event in parser.feed(frame)]
    return [*found, *parser.finish()]


def sse(fields: Json) -> bytes:
    return b"data: " + msgspec.json.encode(fields) + b"\n\n"


def assembled(*chunks: Json | bytes, done: bool = True) -> Choice:
    """The answer that a stream makes."""
    assembly = Assembly()
    for event in heard(*chunks, done=done):
        assembly.feed(event)
    assert assembly.failure is None
    (choice,) = assembly.answer().choices
    return choice


def thought(text: str, field: str) -> Reasoning:
    """A thought, signed with where it stood."""
    return Reasoning(text=text, signature=Signature(maker=f"chat/{QWEN}", value=field))


def calls_in(choice: Choice) -> list[tuple[str, str]]:
    """What is called, and with what; every call has an id of its own."""
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    assert len({call.id for call in calls} - {""}) == len(calls)
    return [(call.name, call.arguments) for call in calls]


def sent(
    conversation: Conversation,
    dialect: UpstreamDialect = UPSTREAM,
    model: str = QWEN,
    *,
    checked: bool = True,
) -> Json:
    """What a server is asked; `checked` by OpenAI's own types, which others add to."""
    destination = msgspec.structs.replace(HERE, model=model)
    body: Json = msgspec.json.decode(dialect.render_request(conversation, destination))
    assert not checked or problems("openai", body) == []
    return body


def in_responses(*items: Json, **more: Any) -> Conversation:
    """What a client of Responses asks."""
    return RESPONSES.parse_request(msgspec.json.encode({"model": "m", "input": items, **more}))


def in_messages(*messages: Json, **more: Any) -> Conversation:
    """What a client of Messages asks."""
    body = {"model": "m", "max_tokens": 64, "messages": messages, **more}
    return MESSAGES.parse_request(msgspec.json.encode(body))
