"""What the strict Anthropic answers, in the grammar of recorded answers and streams."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from contract.services.anthropic.models import MODELS, Model
from contract.services.anthropic.request import Request

Body = dict[str, Any]

PING = b'event: ping\ndata: {"type": "ping"}\n\n'
UNKNOWN_DATE = "1970-01-01T00:00:00Z"
"""As the API says it for a release that it does not know."""
STARTED: dict[str, Body] = {
    "text": {"text": ""},
    "tool_use": {"input": {}},
    "server_tool_use": {"input": {}},
}
"""What a block has not yet when a stream begins it."""


def text(said: str, *citations: Body) -> Body:
    """A text, and what it cites."""
    return {"type": "text", "text": said} | ({"citations": [*citations]} if citations else {})


def thinking(thought: str) -> Body:
    """A thought; the service signs it."""
    return {"type": "thinking", "thinking": thought}


def redacted_thinking() -> Body:
    """A thought that is not shown; the service seals it."""
    return {"type": "redacted_thinking"}


def tool_use(name: str, **given: Any) -> Body:
    """A call; the service numbers it."""
    return {"type": "tool_use", "name": name, "input": given}


def web_search(query: str, url: str) -> tuple[Body, Body]:
    """A search that the service made itself, and what it found."""
    id_ = f"srvtoolu_{zlib.crc32(url.encode()):x}"
    call = {"type": "server_tool_use", "id": id_, "name": "web_search", "input": {"query": query}}
    found = {
        "type": "web_search_result",
        "title": query,
        "url": url,
        "encrypted_content": "ZW5jcnlwdGVk",
        "page_age": None,
    }
    return call, {"type": "web_search_tool_result", "tool_use_id": id_, "content": [found]}


@dataclass(frozen=True)
class Usage:
    """Tokens; `input` is without those of the cache. What is None is left out."""

    input: int = 12
    output: int = 7
    cache_read: int | None = 0
    cache_write: int | None = 0
    cache_write_1h: int = 0
    """Those of `cache_write` that are kept for an hour."""
    thinking: int | None = None
    searches: int | None = None

    @property
    def cached(self) -> Body:
        """What is said of the prompt."""
        found: Body = {"input_tokens": self.input}
        if self.cache_write is not None:
            found["cache_creation_input_tokens"] = self.cache_write
        if self.cache_read is not None:
            found["cache_read_input_tokens"] = self.cache_read
        return found

    @property
    def spent(self) -> Body:
        """What is said of the answer."""
        found: Body = {"output_tokens": self.output}
        if self.thinking is not None:
            found["output_tokens_details"] = {"thinking_tokens": self.thinking}
        if self.searches is not None:
            searches = {"web_search_requests": self.searches, "web_fetch_requests": 0}
            found["server_tool_use"] = searches
        return found

    @property
    def details(self) -> Body:
        """What is said once: at the start of a stream, or in a whole answer."""
        found: Body = {"service_tier": "standard"}
        if self.cache_write is not None:
            found["cache_creation"] = {
                "ephemeral_5m_input_tokens": self.cache_write - self.cache_write_1h,
                "ephemeral_1h_input_tokens": self.cache_write_1h,
            }
        return found


@dataclass(frozen=True)
class Turn:
    """What the model says, and how the answer ends."""

    blocks: tuple[Body, ...] = ()
    stop_reason: str | None = None
    """None ends as the blocks would have it."""
    stop_sequence: str | None = None
    stop_details: Body | None = None
    usage: Usage = field(default_factory=Usage)
    restated: bool = True
    """Whether the end of a stream repeats what was said of the prompt."""
    pings: tuple[int, ...] = (2,)
    """Before which events of a stream there is a ping."""
    piece: int = 4
    """Characters in a delta."""

    @property
    def end(self) -> Body:
        called = any(block["type"] == "tool_use" for block in self.blocks)
        return {
            "stop_reason": self.stop_reason or ("tool_use" if called else "end_turn"),
            "stop_sequence": self.stop_sequence,
            "stop_details": self.stop_details,
        }


def echo(request: Request) -> Turn:
    """The last text of the user, said again."""
    spoken = [
        block.body["text"]
        for turn in request.turns
        for block in turn.of_type("text")
        if turn.role == "user"
    ]
    return Turn((text(spoken[-1] if spoken else "Nothing was said."),))


def shown(blocks: tuple[Body, ...], request: Request) -> list[Body]:
    """The blocks, without the thoughts if the request wants them left out."""
    if request.thinking.get("display") != "omitted":
        return list(blocks)
    return [block | {"thinking": ""} if block["type"] == "thinking" else block for block in blocks]


def whole(model: Model, turn: Turn, blocks: list[Body]) -> Body:
    """An answer in one piece. `blocks` are those of the turn, signed."""
    usage = turn.usage
    return {
        **frame(model),
        "content": blocks,
        **turn.end,
        "usage": usage.cached | usage.spent | usage.details,
    }


def frame(model: Model) -> Body:
    return {"id": "msg_upstream1", "type": "message", "role": "assistant", "model": model.id}


def events(model: Model, turn: Turn, blocks: list[Body]) -> list[bytes]:
    """A stream, event by event."""
    found: list[bytes] = []
    for number, event in enumerate(plain_events(model, turn, blocks)):
        found += [PING] * turn.pings.count(number)
        data = json.dumps(event, ensure_ascii=False)
        found.append(f"event: {event['type']}\ndata: {data}\n\n".encode())
    return found


def plain_events(model: Model, turn: Turn, blocks: list[Body]) -> Iterator[Body]:
    """A stream without its pings."""
    usage = turn.usage
    begun = usage.cached | {"output_tokens": 1} | usage.details
    nothing: Body = {
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
    }
    yield {"type": "message_start", "message": frame(model) | nothing | {"usage": begun}}
    for index, block in enumerate(blocks):
        yield {"type": "content_block_start", "index": index, "content_block": start(block)}
        for delta in deltas(block, turn.piece):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    spent = (usage.cached if turn.restated else {}) | usage.spent
    yield {"type": "message_delta", "delta": turn.end, "usage": spent}
    yield {"type": "message_stop"}


def start(block: Body) -> Body:
    """A block as a stream begins it; what has no deltas comes whole."""
    if block["type"] == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}
    cited: Body = {"citations": []} if block.get("citations") else {}
    return block | STARTED.get(block["type"], {}) | cited


def deltas(block: Body, piece: int) -> Iterator[Body]:
    """What a stream adds to a block that it began."""
    match block["type"]:
        case "text":
            for citation in block.get("citations", ()):
                yield {"type": "citations_delta", "citation": citation}
            for part in parts(block["text"], piece):
                yield {"type": "text_delta", "text": part}
        case "thinking":
            for part in parts(block["thinking"], piece):
                yield {"type": "thinking_delta", "thinking": part}
            yield {"type": "signature_delta", "signature": block["signature"]}
        case "tool_use" | "server_tool_use":
            given = json.dumps(block["input"], ensure_ascii=False) if block["input"] else ""
            for part in ["", *parts(given, piece)]:
                yield {"type": "input_json_delta", "partial_json": part}


def parts(said: str, size: int) -> list[str]:
    """A text in pieces."""
    return [said[start : start + size] for start in range(0, len(said), size)]


def models() -> Body:
    """The page of all models."""
    data = [model_info(model) for model in MODELS]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]}
    return {"data": data, "has_more": False, **ends}


def model_info(model: Model) -> Body:
    return {
        "id": model.id,
        "type": "model",
        "display_name": model.name,
        "created_at": UNKNOWN_DATE,
        "lifecycle": "active",
        "max_tokens": model.max_tokens,
        "max_input_tokens": 200_000,
    }
