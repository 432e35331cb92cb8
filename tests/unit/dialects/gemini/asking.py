"""What the tests beside this ask of Gemini, and what it answers.

Every body that is rendered here is held to Google's own types.
"""

from __future__ import annotations

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
from airouter.dialects.gemini import UPSTREAM, VERTEX
from support.provider_shapes import problems

FLASH = "gemini-3-flash-preview"
OLDER = "gemini-2.5-flash"
HERE = "gemini/key/gemini-3-flash-preview"
"""The maker of what the model signs."""
WEATHER = Tool(
    name="weather", parameters={"type": "object", "properties": {"city": {"type": "string"}}}
)


def own(value: str = "c2lnbmVk") -> Signature:
    return Signature(maker=HERE, value=value)


def foreign() -> Signature:
    return Signature(maker="claude-sonnet-5", value="Zm9yZWlnbg==")


def say(role: Role, *parts: Part | str) -> Turn:
    said = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    return Turn(role=role, parts=said, at="messages[1]")


def call(id_: str = "1", name: str = "weather", **more: Any) -> ToolCall:
    return ToolCall(id=id_, name=name, **({"arguments": '{"city":"Oslo"}'} | more))


def result(id_: str, *parts: Any, failed: bool = False) -> ToolResult:
    said = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    return ToolResult(call_id=id_, parts=said, failed=failed)


def asked(*turns: Turn, **more: Any) -> Conversation:
    return Conversation(dialect="chat", turns=turns or (say("user", "Hello"),), **more)


def body_of(conversation: Conversation, model: str = FLASH, *, vertex: bool = False) -> Json:
    dialect = VERTEX if vertex else UPSTREAM
    destination = Destination(model=model, maker=HERE)
    body: Json = msgspec.json.decode(dialect.render_request(conversation, destination))
    assert problems("vertex" if vertex else "gemini", body) == []
    return body


def contents_of(*turns: Turn, model: str = FLASH) -> list[Json]:
    contents: list[Json] = body_of(asked(*turns), model)["contents"]
    return contents


def said_by(role: str, *parts: Json) -> Json:
    return {"role": role, "parts": list(parts)}


def answer_to(response: Json) -> Answer:
    return UPSTREAM.parse_response(
        msgspec.json.encode(response), Destination(model=FLASH, maker=HERE)
    )


def response(*parts: Json, reason: str = "STOP", **candidate: Any) -> Json:
    return {
        "candidates": [
            {
                "content": {"role": "model", "parts": list(parts)},
                "finishReason": reason,
                **candidate,
            }
        ],
        "modelVersion": FLASH,
        "responseId": "r1",
    }
