"""Whatever a provider streams, and however it ends, the events for a client are in order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects.conversation import Json
from airouter.failures import upstream_failed
from airouter.interfaces import UpstreamError, UpstreamRefused
from contract.services.bedrock.service import frame
from contract.services.openai import answers as openai
from contract.services.stand_in import sse
from contract.test_cuts import STREAMS
from unit.dialects.responses.asking import (
    candidate_stream,
    converse_stream,
    events_in,
    function,
    halves,
    kinds,
    message_stream,
    namespace,
    request,
    streamed,
    translation,
)

TOOLS: list[Json] = [
    function(),
    namespace("crm", function("get")),
    {"type": "custom", "name": "sql"},
    {"type": "shell"},
    {"type": "apply_patch"},
]
NAMES = ("weather", "crm__get", "sql", "shell", "apply_patch", "unheard_of")
WORDS = st.text(max_size=12)
CALLS = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from([{}, {"input": "SELECT"}, {"commands": ["ls"]}, {"city": "Zürich 🌤"}]),
)
Made = Callable[[Any], list[bytes]]


def anthropic_block(kind: str, words: str, name: str, arguments: Json) -> Json:
    match kind:
        case "text":
            return {"type": "text", "text": words}
        case "cited":
            source = {"type": "web_search_result_location", "url": "https://x.test", "title": "X"}
            return {"type": "text", "text": words, "citations": [source]}
        case "thought":
            return {"type": "thinking", "thinking": words, "signature": "c2ln"}
        case "sealed":
            return {"type": "redacted_thinking", "data": "c2ln"}
        case "search":
            asked = {"query": words}
            return {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": asked}
        case "found":
            return {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}
    return {"type": "tool_use", "id": f"toolu_{name}", "name": name, "input": arguments}


def gemini_part(kind: str, words: str, name: str, arguments: Json) -> Json:
    match kind:
        case "text" | "cited":
            return {"text": words}
        case "thought":
            return {"text": words, "thought": True}
        case "sealed":
            return {"text": "", "thoughtSignature": "c2ln"}
        case "search":
            return {"executableCode": {"language": "PYTHON", "code": words}}
        case "found":
            return {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": words}}
    call = {"functionCall": {"name": name, "args": arguments}}
    return call | ({"thoughtSignature": "c2ln"} if words else {})


def converse_block(kind: str, words: str, name: str, arguments: Json) -> Json:
    match kind:
        case "thought":
            return {"reasoningContent": {"reasoningText": {"text": words, "signature": "c2ln"}}}
        case "sealed":
            return {"reasoningContent": {"redactedContent": "c2ln"}}
        case "call":
            return {"toolUse": {"toolUseId": "t1", "name": name, "input": arguments}}
    return {"text": words}


def chat_deltas(kind: str, words: str, name: str, arguments: Json) -> list[Json]:
    match kind:
        case "text" | "search":
            return [{"content": piece} for piece in halves(words)]
        case "found":
            return [{"refusal": piece} for piece in halves(words)]
        case "cited":
            source = {"url": "https://x.test", "title": "X", "start_index": 0, "end_index": 0}
            cited = [{"type": "url_citation", "url_citation": source}]
            return [{"content": words}, {"annotations": cited}]
        case "thought" | "sealed":
            return [{"reasoning_content": piece} for piece in halves(words)]
    written = msgspec.json.encode(arguments).decode()
    begun = {"index": 0, "id": f"call_{name}", "type": "function"}
    first = {"tool_calls": [{**begun, "function": {"name": name, "arguments": ""}}]}
    rest = [{"index": 0, "function": {"arguments": piece}} for piece in halves(written)]
    return [first, *({"tool_calls": [each]} for each in rest)]


def chat_stream(blocks: list[list[Json]]) -> list[bytes]:
    deltas = [delta for block in blocks for delta in block]
    choices: list[Json] = [{"index": 0, "delta": delta} for delta in deltas]
    for choice in choices:
        if choice["delta"].get("content"):
            token = {"token": choice["delta"]["content"], "logprob": -0.5, "bytes": None}
            choice["logprobs"] = {"content": [token | {"top_logprobs": [token]}]}
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    frame_of = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [sse({**frame_of, "choices": [choice]}) for choice in choices]
    return [*chunks, b"data: [DONE]\n\n"]


PROVIDERS: dict[str, tuple[Callable[..., Any], Made, bytes]] = {
    "messages": (
        anthropic_block,
        message_stream,
        sse({"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}, "error"),
    ),
    "gemini": (
        gemini_part,
        candidate_stream,
        sse({"error": {"code": 503, "message": "Busy", "status": "UNAVAILABLE"}}),
    ),
    "converse": (
        converse_block,
        converse_stream,
        frame("throttlingException", {"message": "Busy"}, kind="exception"),
    ),
    "openai": (
        chat_deltas,
        chat_stream,
        sse({"error": {"message": "Busy", "type": "server_error", "code": None, "param": None}}),
    ),
}
KINDS = st.sampled_from(["text", "cited", "thought", "sealed", "search", "found", "call"])
BLOCKS = st.lists(st.tuples(KINDS, WORDS, CALLS), max_size=7)
ENDS = st.sampled_from(["whole", "closed", "error", "reset", "garbage"])


def heard(speech: str, data: bytes, cuts: list[int], end: str) -> list[Json]:
    """The events for a client, as the pipeline has them written."""
    out: list[bytes] = []
    stream_filter = translation(speech).stream_filter(
        request({"tools": TOOLS, "stream": True}), out.append
    )
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    try:
        for start, stop in pairwise(edges):
            stream_filter.feed(data[start:stop])
        if end == "reset":
            stream_filter.break_off(upstream_failed("reset", "It was reset."))
        else:
            stream_filter.finish()
    except UpstreamRefused:
        assert not out, "a client that has heard something is told in the stream"
        return []
    except UpstreamError as error:
        if not out:
            return []  # another backend is asked
        stream_filter.break_off(upstream_failed(error.kind, error.told))
    stream_filter.break_off(
        upstream_failed("reset", "It was reset.")
    )  # after the end it changes nothing
    return events_in(b"".join(out))


@given(
    st.sampled_from(list(PROVIDERS)), BLOCKS, st.lists(st.integers(0), max_size=9), ENDS, st.data()
)
def test_events_are_in_order_whatever_comes(
    speech: str,
    blocks: list[tuple[str, str, tuple[str, Json]]],
    cuts: list[int],
    end: str,
    data: st.DataObject,
) -> None:
    make, stream, failure = PROVIDERS[speech]
    events = stream([make(kind, words, *call) for kind, words, call in blocks])
    written = b"".join(events)
    if end in {"closed", "reset"}:
        written = written[: data.draw(st.integers(0, len(written)))]
    elif end in {"error", "garbage"}:
        at = data.draw(st.integers(0, len(events)))
        broken = failure if end == "error" else b"data: {not json\n\n"
        written = b"".join([*events[:at], broken, *events[at:]])
    found = heard(speech, written, cuts, end)
    if end == "whole":
        assert kinds(found)[-1] == "completed"


def test_a_provider_that_fails_at_once_refuses() -> None:
    assert heard("messages", PROVIDERS["messages"][2], [], "whole") == []


def test_real_streams_cut_anywhere_give_the_same_events() -> None:
    for speech, make in STREAMS.items():
        data = make()
        whole = [event["type"] for event in heard(speech, data, [], "whole")]
        for at in range(0, len(data), 31):
            assert [event["type"] for event in heard(speech, data, [at], "whole")] == whole


def test_sources_and_probabilities_of_chat_are_told() -> None:
    body = {"model": "m", "logprobs": True, "stream_options": {"include_usage": True}}
    pieces = openai.events("chat", body, openai.Turn(cited=True))
    events = streamed("openai", pieces, include=["message.output_text.logprobs"])
    (content,) = events[-1]["response"]["output"][0]["content"]
    assert content["annotations"][0]["type"] == "url_citation"
    assert content["logprobs"][0]["bytes"]


def test_what_came_before_an_unreadable_event_is_told_first() -> None:
    pieces = message_stream([{"type": "text", "text": "Grass"}])
    cut = len(b"".join(pieces[:2]))
    data = b"".join([*pieces[:4], b"data: {not json\n\n", *pieces[4:]])
    found = heard("messages", data, [cut], "whole")
    assert kinds(found)[-3:] == ["output_text.delta", "error", "failed"]
