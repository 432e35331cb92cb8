"""What the tests beside this ask of Bedrock, and what it answers.

Every body that is rendered here is held to botocore's service model, and to the rules of the strict
Bedrock that the contract tests run against.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import msgspec

from airouter.dialects.conversation import (
    Answer,
    Conversation,
    Destination,
    Json,
    Part,
    Role,
    Signature,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from airouter.dialects.converse import UPSTREAM
from contract.services.bedrock import rules
from support.converse_shapes import problems

SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NEWEST = "global.anthropic.claude-opus-4-7"
OLDER = "anthropic.claude-3-5-haiku-20241022-v1:0"
LLAMA = "us.meta.llama3-3-70b-instruct-v1:0"
NOVA = "us.amazon.nova-pro-v1:0"
GPT = "openai.gpt-oss-120b-1:0"
HERE = "claude-sonnet-4-5"
"""The maker of what the model signs."""
WEATHER = Tool(
    name="weather",
    description="Tells the weather.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
)


def own(value: str = "c2lnbmVk", *, redacted: bool = False) -> Signature:
    return Signature(maker=HERE, value=value, redacted=redacted)


def foreign() -> Signature:
    return Signature(maker="gemini/key/gemini-3-flash", value="Zm9yZWlnbg==")


def say(role: Role, *parts: Part | str, at: str = "messages[1]") -> Turn:
    said = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    return Turn(role=role, parts=said, at=at)


def call(id_: str = "call_1", name: str = "weather", **more: Any) -> ToolCall:
    return ToolCall(id=id_, name=name, **({"arguments": '{"city":"Oslo"}'} | more))


def result(id_: str, *parts: Any, failed: bool = False) -> ToolResult:
    said = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    return ToolResult(call_id=id_, parts=said, failed=failed)


def asked(*turns: Turn, **more: Any) -> Conversation:
    return Conversation(dialect="chat", turns=turns or (say("user", "Hello"),), **more)


def body_of(conversation: Conversation, model: str = SONNET) -> Json:
    destination = Destination(model=model, maker=HERE)
    body: Json = msgspec.json.decode(UPSTREAM.render_request(conversation, destination))
    assert problems("Converse", body) == []
    for rule in rules.RULES:
        rule(body, model)
    return body


def messages_of(*turns: Turn, model: str = SONNET) -> list[Json]:
    messages: list[Json] = body_of(asked(*turns), model)["messages"]
    return messages


def said_by(role: str, *content: Json) -> Json:
    return {"role": role, "content": list(content)}


def response(*content: Json, reason: str = "end_turn", **more: Any) -> Json:
    return {
        "output": {"message": {"role": "assistant", "content": list(content)}},
        "stopReason": reason,
        "metrics": {"latencyMs": 12},
        **more,
    }


def answer_to(body: Json) -> Answer:
    return UPSTREAM.parse_response(msgspec.json.encode(body), Destination(model=SONNET, maker=HERE))


def header(name: str, value: str) -> bytes:
    named, valued = name.encode(), value.encode()
    return bytes([len(named)]) + named + b"\x07" + struct.pack(">H", len(valued)) + valued


def framed(headers: bytes, payload: bytes) -> bytes:
    """One frame of an event stream, as AWS writes it."""
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return frame + struct.pack(">I", zlib.crc32(frame))


def event(name: str, **payload: Any) -> bytes:
    headers = header(":event-type", name) + header(":content-type", "application/json")
    headers += header(":message-type", "event")
    return framed(headers, msgspec.json.encode(payload))


def exception(name: str, **payload: Any) -> bytes:
    headers = header(":exception-type", name) + header(":message-type", "exception")
    return framed(headers, msgspec.json.encode(payload))
