"""The answers of providers in each dialect, whole and as a stream without end."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

TEXT = (
    "Hello! This is an answer that is about as long as a short real one would be, so that nobody "
    "wins by saying little."
)
USAGE = {"input_tokens": 29, "output_tokens": 27}
SSE = "text/event-stream"
FRAMES = "application/vnd.amazon.eventstream"

PROVIDERS: dict[str, dict[str, Any]] = {
    "messages": {"type": "Anthropic", "baseURL": "", "upstreamName": "claude-sonnet-4-5"},
    "gemini": {"type": "Gemini", "baseURL": "", "upstreamName": "gemini-2.5-flash"},
    "converse": {
        "type": "Bedrock",
        "baseURL": "",
        "aws": {"region": "us-east-1"},
        "upstreamName": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    },
}
"""A credential for each, and a model there."""

ANSWERS: dict[str, dict[str, Any]] = {
    "messages": {
        "id": "msg_Benchmark",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
    },
    "gemini": {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": TEXT}]},
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": {"promptTokenCount": 29, "candidatesTokenCount": 27},
        "modelVersion": "gemini-2.5-flash",
        "responseId": "Benchmark",
    },
    "converse": {
        "output": {"message": {"role": "assistant", "content": [{"text": TEXT}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 29, "outputTokens": 27, "totalTokens": 56},
        "metrics": {"latencyMs": 7},
    },
}


def stream_of(speech: str) -> tuple[bytes, bytes]:
    """Return the head of a stream with its beginning, and the chunk that it repeats."""
    match speech:
        case "messages":
            block = {"type": "text", "text": ""}
            message = {"id": "msg_B", "model": "claude", "content": [], "usage": USAGE}
            start = sse({"type": "message_start", "message": message})
            start += sse({"type": "content_block_start", "index": 0, "content_block": block})
            piece = {"type": "text_delta", "text": " hello"}
            event = sse({"type": "content_block_delta", "index": 0, "delta": piece})
        case "gemini":
            content = {"role": "model", "parts": [{"text": " hello"}]}
            candidate = {"content": content, "index": 0}
            usage = {"promptTokenCount": 29, "candidatesTokenCount": 27}
            event = start = sse(
                {
                    "candidates": [candidate],
                    "usageMetadata": usage,
                    "modelVersion": "gemini-2.5-flash",
                    "responseId": "Benchmark",
                }
            )
        case _:
            start = frame("messageStart", {"role": "assistant"})
            delta: dict[str, Any] = {
                "contentBlockIndex": 0,
                "delta": {"text": " hello"},
                "p": "abcdefgh",
            }
            event = frame("contentBlockDelta", delta)
    kind = FRAMES if speech == "converse" else SSE
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
    return head.encode() + chunk(start), chunk(event)


def sse(event: dict[str, Any]) -> bytes:
    """A server-sent event."""
    return f"event: {event.get('type', 'message')}\ndata: {json.dumps(event)}\n\n".encode()


def chunk(data: bytes) -> bytes:
    """A chunk of HTTP."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def frame(name: str, payload: dict[str, Any]) -> bytes:
    """A frame of an AWS event stream."""
    values = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        bytes([len(key)]) + key.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for key, value in values.items()
    )
    data = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(data), len(headers))
    head = prelude + struct.pack("!I", zlib.crc32(prelude))
    return head + headers + data + struct.pack("!I", zlib.crc32(head + headers + data))
