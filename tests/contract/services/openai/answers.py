"""What the strict OpenAI answers, in the grammar of recorded answers and streams."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]

CREATED = 1_790_000_000
FRAME = {
    "id": "chatcmpl-upstream1",
    "created": CREATED,
    "service_tier": "default",
    "system_fingerprint": "fp_test",
}
USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 5,
    "total_tokens": 17,
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 0},
}


@dataclass
class Turn:
    """What the model says: a text, or calls by name and JSON arguments."""

    text: str = "Grüße 🙂 aus der Ferne"
    calls: tuple[tuple[str, str], ...] = ()
    stop: str | None = None
    cited: bool = False
    """Whether the text has a source on the web."""
    counts: tuple[int, int, int] | None = None
    """Tokens of the prompt, of those the cached ones, of the answer."""

    @property
    def finish_reason(self) -> str:
        return self.stop or ("tool_calls" if self.calls else "stop")

    @property
    def usage(self) -> Body:
        if self.counts is None:
            return USAGE
        prompt, cached, answer = self.counts
        return {
            "prompt_tokens": prompt,
            "completion_tokens": answer,
            "total_tokens": prompt + answer,
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }

    @property
    def annotations(self) -> list[Body]:
        where = {"start_index": 0, "end_index": 5, "url": "https://grass.example", "title": "Grass"}
        return [{"type": "url_citation", "url_citation": where}] if self.cited else []

    @property
    def tool_calls(self) -> list[Body]:
        return [
            {
                "id": f"call_upstream{index}",
                "type": "function",
                "function": {"name": name, "arguments": arguments},
            }
            for index, (name, arguments) in enumerate(self.calls)
        ]


def whole(api: str, body: Body, turn: Turn) -> Body:
    """A chat or legacy completion."""
    frame = FRAME | {"model": body["model"], "usage": turn.usage}
    end = {"index": 0, "logprobs": None, "finish_reason": turn.finish_reason}
    if api == "completions":
        return frame | {"object": "text_completion", "choices": [end | {"text": turn.text}]}
    message: Body = {
        "role": "assistant",
        "content": turn.text,
        "refusal": None,
        "annotations": turn.annotations,
    }
    if turn.calls:
        message |= {"content": None, "tool_calls": turn.tool_calls}
    choices: list[Body] = [
        {**end, "index": index, "message": message, "logprobs": logprobs(body, turn)}
        for index in range(body.get("n") or 1)
    ]
    return frame | {"object": "chat.completion", "choices": choices}


def logprobs(body: Body, turn: Turn) -> Body | None:
    """As far as they were asked for."""
    if not body.get("logprobs"):
        return None
    token = {"token": turn.text, "logprob": -0.25, "bytes": None}
    return {"content": [token | {"top_logprobs": [token]}], "refusal": None}


def events(api: str, body: Body, turn: Turn) -> list[bytes]:
    """A stream, event by event, `[DONE]` the last."""
    with_usage = (body.get("stream_options") or {}).get("include_usage")
    frame = FRAME | {"model": body["model"], "object": "chat.completion.chunk"}
    if api == "completions":
        frame["object"] = "text_completion"
    more = {"usage": None} if with_usage else {}
    choices = text_choices(turn) if api == "completions" else all_choices(body, turn)
    chunks = [frame | {"choices": [choice]} | more for choice in choices]
    if with_usage:
        chunks.append(frame | {"choices": [], "usage": turn.usage})
    written = [json.dumps(chunk, ensure_ascii=False).encode() for chunk in chunks]
    return [b"data: " + data + b"\n\n" for data in [*written, b"[DONE]"]]


def text_choices(turn: Turn) -> list[Body]:
    """The choices of a streamed legacy completion."""
    frame: Body = {"index": 0, "logprobs": None}
    choices = [frame | {"text": part, "finish_reason": None} for part in parts(turn.text)]
    return [*choices, frame | {"text": "", "finish_reason": turn.finish_reason}]


def all_choices(body: Body, turn: Turn) -> list[Body]:
    """The choices of a streamed chat, one after the other."""
    found = [
        choice | {"index": index}
        for index in range(body.get("n") or 1)
        for choice in chat_choices(turn)
    ]
    if body.get("logprobs"):
        found[1]["logprobs"] = logprobs(body, turn)
    return found


def chat_choices(turn: Turn) -> list[Body]:
    """The choices of a streamed chat: the role, what is added, the reason of the end."""
    frame: Body = {"index": 0, "logprobs": None}
    deltas: list[Body] = [
        {"role": "assistant", "content": None if turn.calls else "", "refusal": None}
    ]
    if not turn.calls:
        deltas += [{"content": part} for part in parts(turn.text)]
        deltas += [{"annotations": turn.annotations}] if turn.cited else []
    for index, call in enumerate(turn.tool_calls):
        begun = call["function"] | {"arguments": ""}
        deltas.append({"tool_calls": [call | {"index": index, "function": begun}]})
        for part in parts(call["function"]["arguments"]):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
    choices = [frame | {"delta": delta, "finish_reason": None} for delta in deltas]
    return [*choices, frame | {"delta": {}, "finish_reason": turn.finish_reason}]


def parts(text: str) -> list[str]:
    """A text in pieces of four characters."""
    return [text[start : start + 4] for start in range(0, len(text), 4)]


def embeddings(body: Body) -> Body:
    """A vector for each input, in the encoding that is asked for."""
    given = body["input"]
    single = isinstance(given, str) or isinstance(given[0], int)
    size = body.get("dimensions") or 1_536
    vector = [1.0, *[0.0] * (size - 1)]
    packed = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
    value = packed if body.get("encoding_format") == "base64" else vector
    data = [
        {"object": "embedding", "index": index, "embedding": value}
        for index in range(1 if single else len(given))
    ]
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def models(names: tuple[str, ...]) -> Body:
    return {"object": "list", "data": [model(name) for name in names]}


def model(name: str) -> Body:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "system"}
