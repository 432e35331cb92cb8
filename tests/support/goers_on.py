"""Providers that always give the same answer, and go on with it exactly where they are told to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os.path import commonprefix
from typing import Any

from contract.services.bedrock.framing import frame

PIECE = 7
"""Characters of a delta."""


@dataclass(frozen=True)
class Script:
    """An answer."""

    text: str = ""
    thought: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    """Names and arguments."""
    signed: str = "c2lnbmVk"


def pieces(text: str) -> Iterator[str]:
    for at in range(0, len(text), PIECE):
        yield text[at : at + PIECE]


def rest_of(script: Script, said: str) -> Script:
    """The rest of an answer after a text, thought about anew."""
    assert script.text.startswith(said), said
    return Script(script.text[len(said) :], script.thought, script.calls)


# What a request says was said already: the text of the model after what the user said first.


def said_in_chat(body: dict[str, Any]) -> str:
    return "".join(m["content"] for m in body["messages"] if m["role"] == "assistant")


def said_in_messages(body: dict[str, Any]) -> str:
    turns = [m["content"] for m in body["messages"] if m["role"] == "assistant"]
    return "".join(block["text"] for turn in turns for block in turn)


def said_in_gemini(body: dict[str, Any]) -> str:
    turns = [c["parts"] for c in body["contents"] if c["role"] == "model"]
    return "".join(part["text"] for turn in turns for part in turn)


def ends_with_the_model(body: dict[str, Any]) -> bool:
    turns = body.get("messages") or body["contents"]
    return turns[-1]["role"] in {"assistant", "model"}


# Streams.


def event(fields: object, name: str = "") -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(fields, ensure_ascii=False)}\n\n".encode()


def chat_stream(script: Script) -> bytes:
    def chunk(delta: object, reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        head = {"id": "c1", "object": "chat.completion.chunk", "created": 17, "model": "m"}
        return event({**head, "choices": [choice]})

    out = chunk({"role": "assistant", "content": ""})
    out += b"".join(chunk({"reasoning_content": each}) for each in pieces(script.thought))
    out += b"".join(chunk({"content": each}) for each in pieces(script.text))
    for number, (name, arguments) in enumerate(script.calls):
        call = {"index": number, "id": f"call_{number}", "type": "function"}
        out += chunk({"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]})
        for each in pieces(arguments):
            more = {"index": number, "function": {"arguments": each}}
            out += chunk({"tool_calls": [more]})
    out += chunk({}, "tool_calls" if script.calls else "stop")
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    out += event({"id": "c1", "created": 17, "model": "m", "choices": [], "usage": usage})
    return out + b"data: [DONE]\n\n"


def messages_stream(script: Script) -> bytes:
    def told(name: str, **fields: Any) -> bytes:
        return event({"type": name, **fields}, name)

    def block(index: int, begun: object, deltas: list[dict[str, Any]]) -> bytes:
        out = told("content_block_start", index=index, content_block=begun)
        for delta in deltas:
            out += told("content_block_delta", index=index, delta=delta)
        return out + told("content_block_stop", index=index)

    usage = {"input_tokens": 100, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
    out = told("message_start", message={**message, "usage": usage}) + told("ping")
    index = 0
    if script.thought:
        deltas = [{"type": "thinking_delta", "thinking": each} for each in pieces(script.thought)]
        deltas.append({"type": "signature_delta", "signature": script.signed})
        out += block(index, {"type": "thinking", "thinking": "", "signature": ""}, deltas)
        index += 1
    if script.text:
        deltas = [{"type": "text_delta", "text": each} for each in pieces(script.text)]
        out += block(index, {"type": "text", "text": ""}, deltas)
        index += 1
    for number, (name, arguments) in enumerate(script.calls):
        begun = {"type": "tool_use", "id": f"call_{number}", "name": name, "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": each} for each in pieces(arguments)]
        out += block(index, begun, deltas)
        index += 1
    delta = {"stop_reason": "tool_use" if script.calls else "end_turn", "stop_sequence": None}
    out += told("message_delta", delta=delta, usage={"output_tokens": 10})
    return out + told("message_stop")


def converse_stream(script: Script) -> bytes:
    out = frame("messageStart", {"role": "assistant"})
    index = 0
    if script.thought:
        for each in pieces(script.thought):
            delta: dict[str, Any] = {"reasoningContent": {"text": each}}
            out += frame("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})
        delta = {"reasoningContent": {"signature": script.signed}}
        out += frame("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})
        out += frame("contentBlockStop", {"contentBlockIndex": index})
        index += 1
    for each in pieces(script.text):
        out += frame("contentBlockDelta", {"contentBlockIndex": index, "delta": {"text": each}})
    if script.text:
        out += frame("contentBlockStop", {"contentBlockIndex": index})
        index += 1
    for number, (name, arguments) in enumerate(script.calls):
        use = {"toolUseId": f"call_{number}", "name": name}
        start = {"contentBlockIndex": index, "start": {"toolUse": use}}
        out += frame("contentBlockStart", start)
        for each in pieces(arguments):
            delta = {"toolUse": {"input": each}}
            out += frame("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})
        out += frame("contentBlockStop", {"contentBlockIndex": index})
        index += 1
    out += frame("messageStop", {"stopReason": "tool_use" if script.calls else "end_turn"})
    usage = {"inputTokens": 100, "outputTokens": 10, "totalTokens": 110}
    return out + frame("metadata", {"usage": usage, "metrics": {"latencyMs": 1}})


def gemini_stream(script: Script) -> bytes:
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110}

    def piece(part: dict[str, Any], **more: Any) -> bytes:
        candidate = {"content": {"role": "model", "parts": [part]}, "index": 0, **more}
        answer = {"candidates": [candidate], "modelVersion": "m", "responseId": "r1"}
        return event({**answer, "usageMetadata": usage} if more else answer)

    out = b"".join(piece({"text": each, "thought": True}) for each in pieces(script.thought))
    out += b"".join(piece({"text": each}) for each in pieces(script.text))
    for number, (name, arguments) in enumerate(script.calls):
        call = {"id": f"call_{number}", "name": name, "args": json.loads(arguments)}
        out += piece({"functionCall": call})
    return out + piece({"text": ""}, finishReason="STOP")


SAID: dict[str, Callable[[dict[str, Any]], str]] = {
    "openai": said_in_chat,
    "compatible": said_in_chat,
    "messages": said_in_messages,
    "converse": said_in_messages,
    "gemini": said_in_gemini,
}
STREAMS: dict[str, Callable[[Script], bytes]] = {
    "openai": chat_stream,
    "compatible": chat_stream,
    "messages": messages_stream,
    "converse": converse_stream,
    "gemini": gemini_stream,
}


def cut_in(script: Script, upstream: str, *, said: int = 0, thought: int = 0) -> int:
    """The bytes of a stream until so many characters of its text, or of its thought, have come."""
    text, thoughts = script.text[:said], script.thought
    if thought:
        thoughts = thoughts[:thought]
    shorter = STREAMS[upstream](Script(text, thoughts))
    return len(commonprefix([STREAMS[upstream](script), shorter]))  # noqa: RUF071  # no paths
