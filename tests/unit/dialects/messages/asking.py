"""What the tests beside this ask of Anthropic, what its clients send, and what it answers.

Every body that is rendered here is held to the SDK's types, and to the rules of the strict
Anthropic that the contract tests run against, but for who signed a thought.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from anthropic.types import Message

from airouter.dialects.conversation import (
    Answer,
    Choice,
    Conversation,
    Destination,
    Format,
    Json,
    Part,
    Role,
    Signature,
    Stop,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
    Unsupported,
)
from airouter.dialects.messages import CLIENT, UPSTREAM
from airouter.failures import Failure
from contract.services.anthropic.models import model_named
from contract.services.anthropic.request import Request
from contract.services.anthropic.rules import RULES
from contract.services.anthropic.thinking import thoughts_are_complete, thoughts_are_signed
from support.provider_shapes import problems

SONNET = "claude-sonnet-4-5-20250929"
"""Thinks by budget."""
NEWEST = "claude-sonnet-5"
"""Thinks as it will, and takes instructions in the middle."""
OLDER = "claude-opus-4-7"
"""The same without instructions in the middle."""
OLDEST = "claude-3-5-haiku-20241022"
"""Neither thinks nor keeps to a schema."""
HERE = "claude-sonnet-4-5"
"""The maker of what the model signs."""
WEATHER = Tool(
    name="weather",
    description="Tells the weather.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
)
SCHEMA: Json = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
WANTED = Format(kind="json_schema", name="number", schema=SCHEMA)
FORCED = ToolChoice(mode="required")
CALL: Json = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}
RESULT: Json = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Rain"}
TOOL: Json = {"name": "weather", "input_schema": {"type": "object"}}
CITATION: Json = {
    "type": "page_location",
    "cited_text": "rain",
    "document_index": 2,
    "document_title": "Notes",
    "file_id": None,
    "start_page_number": 3,
    "end_page_number": 4,
}


def own(value: str = "c2lnbmVk", *, redacted: bool = False) -> Signature:
    return Signature(maker=HERE, value=value, redacted=redacted)


def foreign() -> Signature:
    return Signature(maker="gemini/key/gemini-3-flash", value="Zm9yZWlnbg==")


def say(role: Role, *parts: Part | str, at: str = "messages[1]") -> Turn:
    said = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    return Turn(role=role, parts=said, at=at)


def call(id_: str = "call_1", name: str = "weather", **more: Any) -> ToolCall:
    return ToolCall(id=id_, name=name, **({"arguments": '{"city":"Oslo"}'} | more))


def result(id_: str = "call_1", *parts: Any, failed: bool = False) -> ToolResult:
    said = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    return ToolResult(call_id=id_, parts=said, failed=failed)


def asked(*turns: Turn, **more: Any) -> Conversation:
    return Conversation(dialect="chat", turns=turns or (say("user", "Hello"),), **more)


def body_of(conversation: Conversation, model: str = SONNET, **more: Any) -> Json:
    """The body for a model, which both the SDK's types and the service would take."""
    destination = Destination(model=model, maker=HERE, **more)
    body: Json = msgspec.json.decode(UPSTREAM.render_request(conversation, destination))
    assert problems("messages", body) == []
    known = model_named(model)
    if known is not None:
        for rule in RULES:
            if rule not in {thoughts_are_signed, thoughts_are_complete}:
                rule(Request(body, known))
    return body


def refused(conversation: Conversation, model: str = SONNET) -> str:
    """The field for which a request cannot be made."""
    with pytest.raises(Unsupported) as unsupported:
        UPSTREAM.render_request(conversation, Destination(model=model, maker=HERE))
    return unsupported.value.field


def messages_of(*turns: Turn, model: str = SONNET) -> list[Json]:
    messages: list[Json] = body_of(asked(*turns), model)["messages"]
    return messages


def texts(*texts: str) -> list[Json]:
    return [{"type": "text", "text": text} for text in texts]


def parsed(*messages: Json, **more: Any) -> Conversation:
    """What a client's body says; without messages, one that greets."""
    greeting = {"role": "user", "content": "Hello"}
    body = {"model": "m", "max_tokens": 64, "messages": list(messages) or [greeting], **more}
    return CLIENT.parse_request(msgspec.json.encode(body))


def user(*blocks: Json) -> Json:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Json) -> Json:
    return {"role": "assistant", "content": list(blocks)}


def rejected(*messages: Json, **more: Any) -> Failure:
    """What a client is told of a body that is wrong."""
    with pytest.raises(Failure) as failed:
        parsed(*messages, **more)
    assert failed.value.status == 400
    return failed.value


def response(*content: Json, reason: str = "end_turn", **more: Any) -> Json:
    usage = {"input_tokens": 9, "output_tokens": 5}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": SONNET,
        "content": list(content),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": usage,
        **more,
    }


def answer_to(body: Json) -> Answer:
    return UPSTREAM.parse_response(msgspec.json.encode(body), Destination(model=SONNET, maker=HERE))


def answer(*parts: Part, stop: Stop = "end", **more: Any) -> Answer:
    return Answer(id="a1", model="m", choices=(Choice(parts=parts, stop=stop),), **more)


def rendered(answered: Answer) -> Json:
    """What a client gets, which the SDK can read."""
    body = CLIENT.render_response(answered, asked())
    Message.model_validate_json(body, strict=True)
    message: Json = msgspec.json.decode(body)
    return message
