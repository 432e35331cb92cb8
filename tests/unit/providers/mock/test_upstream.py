"""The Mock provider, as people will use it in their own tests."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from typing import Any

import pytest

from airouter.config.snapshot import Mock
from airouter.interfaces import BrokenReply
from airouter.providers.mock import MockUpstream
from airouter.providers.mock.answers import REASONING
from airouter.providers.mock.upstream import BREATH

CHAT, COMPLETIONS, EMBEDDINGS = b"/v1/chat/completions", b"/v1/completions", b"/v1/embeddings"
HELLO = [{"role": "user", "content": "one two three four"}]
LOOK = {"type": "function", "function": {"name": "look"}}


class Clock:
    """Sleeps without waiting, and remembers how long it should have."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


async def ask(
    path: bytes = CHAT, upstream: MockUpstream | None = None, **fields: Any
) -> tuple[int, Any]:
    """Status and decoded body."""
    if path == CHAT:
        fields.setdefault("messages", HELLO)
    body = json.dumps({"model": "m", **fields}).encode()
    reply = await (upstream or MockUpstream(Mock())).send(path, b"", body)
    return reply.status, json.loads(await reply.read())


async def events(upstream: MockUpstream | None = None, **fields: Any) -> list[Any]:
    """The chunks of a stream; the last event has to be [DONE]."""
    body = json.dumps({"model": "m", "messages": HELLO, "stream": True, **fields}).encode()
    reply = await (upstream or MockUpstream(Mock())).send(CHAT, b"", body)
    assert reply.headers[b"content-type"] == b"text/event-stream"
    lines = (await reply.read()).decode().split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]


async def said(reply: str = "echo", **fields: Any) -> Any:
    _, body = await ask(upstream=MockUpstream(Mock(reply=reply)), **fields)
    return body["choices"][0]["message"]["content"]


async def test_it_repeats_what_the_user_said_last() -> None:
    messages = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "no"},
        {"role": "user", "content": [{"type": "text", "text": "second"}]},
    ]
    assert await said(messages=messages) == "second"


@pytest.mark.parametrize(
    ("reply", "text"),
    [("text:Hi: you", "Hi: you"), ("tokens:3", "word1 word2 word3"), ("text:", "")],
)
async def test_it_says_what_it_was_told(reply: str, text: str) -> None:
    assert await said(reply) == text


async def test_it_calls_a_tool_and_then_repeats_the_result() -> None:
    upstream = MockUpstream(Mock(reply='tool:look {"at": 1}'))
    _, body = await ask(upstream=upstream, tools=[LOOK])
    choice = body["choices"][0]
    (call,) = choice["message"]["tool_calls"]
    assert call["function"] == {"name": "look", "arguments": '{"at": 1}'}
    assert choice["finish_reason"] == "tool_calls"
    result = {"role": "tool", "tool_call_id": call["id"], "content": "seen"}
    messages = [*HELLO, {"role": "assistant", "tool_calls": [call]}, result]
    assert await said('tool:look {"at": 1}', messages=messages, tools=[LOOK]) == "seen"


async def test_a_request_may_say_what_it_wants() -> None:
    assert await said(metadata={"mock_reply": "text:mine"}) == "mine"
    status, body = await ask(metadata={"mock_status": "418"})
    assert (status, body["error"]["code"]) == (418, "mock_error")


async def test_the_same_request_gets_the_same_bytes() -> None:
    assert await ask() == await ask()
    assert (await ask())[1]["id"] != (await ask(temperature=1))[1]["id"]


@pytest.mark.parametrize(("percent", "every"), [(25, 4), (10, 10), (2.5, 40)])
async def test_errors_come_in_their_exact_share(percent: float, every: int) -> None:
    upstream = MockUpstream(Mock(error_percent=percent, error_status=503))
    statuses = [(await ask(upstream=upstream))[0] for _ in range(5 * every)]
    assert statuses == [*[200] * (every - 1), 503] * 5


async def test_a_rate_limit_says_when_to_come_back() -> None:
    upstream = MockUpstream(Mock(error_percent=100, error_status=429))
    reply = await upstream.send(CHAT, b"", json.dumps({"model": "m"}).encode())
    assert (reply.status, reply.headers[b"retry-after"]) == (429, b"1")


async def test_latency_and_pace_are_kept() -> None:
    clock = Clock()
    upstream = MockUpstream(Mock(latency=0.5, tokens_per_second=10), sleep=clock.sleep)
    await ask(upstream=upstream)
    assert clock.slept == [0.5, pytest.approx(0.4)]
    clock.slept.clear()
    chunks = await events(upstream, metadata={"mock_latency_ms": "20"})
    assert clock.slept == [0.02] + [0.1] * (len(chunks) + 1)


async def test_an_unpaced_stream_lets_others_run() -> None:
    clock = Clock()
    await events(MockUpstream(Mock(reply="tokens:1000"), sleep=clock.sleep))
    assert len(clock.slept) == 1003 // BREATH


async def test_a_stream_is_as_openai_writes_it() -> None:
    first, *middle, last = await events()
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [chunk["choices"][0]["delta"]["content"] for chunk in middle] == [
        "one",
        " two",
        " three",
        " four",
    ]
    assert last["choices"][0] == {
        "index": 0,
        "delta": {},
        "logprobs": None,
        "finish_reason": "stop",
    }
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in (first, last)}) == 1
    assert "usage" not in first


async def test_a_stream_has_usage_when_it_is_asked_for() -> None:
    *chunks, last = await events(stream_options={"include_usage": True})
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["choices"] == []
    assert (last["usage"]["prompt_tokens"], last["usage"]["completion_tokens"]) == (4, 4)


async def test_a_streamed_tool_call_comes_in_two_pieces() -> None:
    upstream = MockUpstream(Mock(reply='tool:look {"at": 1}'))
    deltas = [chunk["choices"][0]["delta"] for chunk in await events(upstream, tools=[LOOK])]
    begun, more = (delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta)
    assert (begun["function"]["name"], begun["function"]["arguments"]) == ("look", "")
    assert more == {"index": 0, "function": {"arguments": '{"at": 1}'}}


@pytest.mark.parametrize(
    ("fields", "text", "reason"),
    [
        ({"max_tokens": 2}, "one two", "length"),
        ({"max_completion_tokens": 9}, "one two three four", "stop"),
        ({"stop": " three"}, "one two", "stop"),
        ({"stop": ["x", "two"]}, "one ", "stop"),
    ],
)
async def test_an_answer_ends_where_the_request_says(
    fields: dict[str, Any], text: str, reason: str
) -> None:
    choice = (await ask(**fields))[1]["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (text, reason)


async def test_it_thinks_what_it_was_told_before_whatever_it_answers() -> None:
    for reply in ("echo", "text:Hi", "tokens:2", "tool:look {}"):
        upstream = MockUpstream(Mock(reply=f"reasoning:Let me see.\n{reply}"))
        (choice,) = (await ask(upstream=upstream))[1]["choices"]
        (plain,) = (await ask(upstream=MockUpstream(Mock(reply=reply))))[1]["choices"]
        assert choice["message"]["reasoning_content"] == "Let me see."
        assert choice["message"]["content"] == plain["message"]["content"]
        assert choice["finish_reason"] == plain["finish_reason"]


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning_effort": "minimal"},
        {"reasoning_effort": "high"},
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        {"reasoning_effort": "low", "response_format": {"type": "json_object"}},
    ],
)
async def test_it_thinks_where_a_request_wants_it_to(fields: dict[str, Any]) -> None:
    _, body = await ask(**fields)
    assert body["choices"][0]["message"]["reasoning_content"] == REASONING


@pytest.mark.parametrize(
    "fields", [{}, {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}]
)
async def test_it_does_not_think_unasked(fields: dict[str, Any]) -> None:
    _, body = await ask(**fields)
    assert "reasoning_content" not in body["choices"][0]["message"]
    assert body["usage"]["completion_tokens_details"] == {"reasoning_tokens": 0}


async def test_a_script_without_thoughts_thinks_nothing_whatever_is_asked() -> None:
    upstream = MockUpstream(Mock(reply="reasoning:\necho"))
    _, body = await ask(upstream=upstream, reasoning_effort="high")
    assert "reasoning_content" not in body["choices"][0]["message"]


async def test_thoughts_are_streamed_before_the_answer_and_counted() -> None:
    script = {"mock_reply": "reasoning:Let me see.\ntext:Hi you"}
    *chunks, last = await events(metadata=script, stream_options={"include_usage": True})
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[1:-1] == [
        {"reasoning_content": "Let"},
        {"reasoning_content": " me"},
        {"reasoning_content": " see."},
        {"content": "Hi"},
        {"content": " you"},
    ]
    assert last["usage"]["completion_tokens"] == 5
    assert last["usage"]["completion_tokens_details"] == {"reasoning_tokens": 3}


@pytest.mark.parametrize(
    ("most", "thought", "said"),
    [(2, "Let me", ""), (3, "Let me see.", ""), (4, "Let me see.", "Hi")],
)
async def test_thoughts_are_part_of_what_a_request_gives_room_for(
    most: int, thought: str, said: str
) -> None:
    upstream = MockUpstream(Mock(reply="reasoning:Let me see.\ntext:Hi you"))
    (choice,) = (await ask(upstream=upstream, max_completion_tokens=most))[1]["choices"]
    assert choice["message"]["reasoning_content"] == thought
    assert (choice["message"]["content"], choice["finish_reason"]) == (said, "length")


async def test_several_choices_are_given() -> None:
    _, body = await ask(n=3)
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]


async def test_json_is_given_where_it_is_asked_for() -> None:
    assert json.loads(await said(response_format={"type": "json_object"})) == {"mock": True}
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert json.loads(await said(response_format=wanted)) == {"a": 1}
    assert await said(response_format={"type": "text"}) == "one two three four"


@pytest.mark.parametrize("reply", ["echo", "tokens:3"])
async def test_a_tool_result_is_answered_in_the_format_that_is_asked_for(reply: str) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": "call_1", "content": "seen"}
    messages = [*HELLO, {"role": "assistant", "tool_calls": [call]}, result]
    wanted = {"type": "json_object"}
    assert await said(reply, messages=messages) == "seen"
    assert await said(reply, messages=messages, response_format=wanted) == '{"mock": true}'


async def test_what_it_was_told_word_for_word_comes_before_what_the_request_demands() -> None:
    wanted = {"type": "json_object"}
    assert await said('text:{"my": "own"}', response_format=wanted) == '{"my": "own"}'
    upstream = MockUpstream(Mock(reply="tool:look {}"))
    _, body = await ask(upstream=upstream, response_format=wanted, tools=[LOOK])
    assert body["choices"][0]["finish_reason"] == "tool_calls"


async def test_no_tool_is_called_where_none_may_be() -> None:
    assert await said("tool:look {}", tool_choice="none", tools=[LOOK]) == "one two three four"
    assert await said("tool:look {}") == "one two three four"
    assert await said("tool:look {}", tools=[]) == "one two three four"


async def test_a_schema_without_a_small_value_is_a_bad_request_and_takes_no_time() -> None:
    parts = {f"p{number}": {"$ref": "#"} for number in range(10)}
    endless = {"type": "object", "properties": parts, "required": list(parts)}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": endless}}
    status, body = await ask(response_format=wanted)
    assert (status, body["error"]["param"]) == (400, "response_format.json_schema.schema")


async def test_a_tool_that_is_chosen_by_name_is_called() -> None:
    tools = [
        {"type": "function", "function": {"name": name, "parameters": {"required": ["q"]}}}
        for name in ("a", "b")
    ]
    choice = {"type": "function", "function": {"name": "b"}}
    _, body = await ask(tools=tools, tool_choice=choice)
    function = body["choices"][0]["message"]["tool_calls"][0]["function"]
    assert (function["name"], json.loads(function["arguments"])) == ("b", {"q": "xxxx"})


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ("a b", ["a b"] * 2),
        (["a b", "c"], ["a b", "a b", "c", "c"]),
        ([1, 2], ["1 2"] * 2),
        ([[1, 2], [3]], ["1 2", "1 2", "3", "3"]),
    ],
)
async def test_a_legacy_completion_repeats_each_of_its_prompts(
    prompt: Any, texts: list[str]
) -> None:
    _, body = await ask(COMPLETIONS, prompt=prompt, n=2)
    assert body["object"] == "text_completion"
    assert [(choice["index"], choice["text"]) for choice in body["choices"]] == list(
        enumerate(texts)
    )


async def test_embeddings_are_unit_vectors_in_either_encoding() -> None:
    _, floats = await ask(EMBEDDINGS, input=["a", "b"], dimensions=16)
    _, packed = await ask(EMBEDDINGS, input=["a", "b"], dimensions=16, encoding_format="base64")
    for plain, encoded in zip(floats["data"], packed["data"], strict=True):
        vector = plain["embedding"]
        assert sum(number * number for number in vector) == pytest.approx(1.0)
        unpacked = struct.unpack("<16f", base64.b64decode(encoded["embedding"]))
        assert list(unpacked) == pytest.approx(vector, abs=1e-6)
    assert floats["data"][0]["embedding"] != floats["data"][1]["embedding"]
    assert floats["usage"]["prompt_tokens"] == 2


@pytest.mark.parametrize("given", ["text", [1, 2, 3], [[1, 2], [3]]])
async def test_embeddings_take_texts_and_tokens(given: Any) -> None:
    status, _ = await ask(EMBEDDINGS, input=given)
    assert status == 200


@pytest.mark.parametrize(
    ("path", "fields", "param"),
    [
        (CHAT, {"messages": []}, "messages"),
        (CHAT, {"messages": "hi"}, "messages"),
        (CHAT, {"messages": [7]}, "messages[0]"),
        (CHAT, {"messages": [{"role": "robot"}]}, "messages[0].role"),
        (CHAT, {"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        (CHAT, {"n": 99}, "n"),
        (CHAT, {"metadata": []}, "metadata"),
        (CHAT, {"metadata": [1]}, "metadata"),
        (CHAT, {"metadata": {"mock_status": "9"}}, "metadata.mock_status"),
        (CHAT, {"metadata": {"mock_latency_ms": "soon"}}, "metadata.mock_latency_ms"),
        (CHAT, {"metadata": {"mock_reply": "sing"}}, "metadata.mock_reply"),
        (CHAT, {"n": True}, "n"),
        (CHAT, {"stop": 7}, "stop"),
        (CHAT, {"max_tokens": -1}, "max_tokens"),
        (CHAT, {"reasoning_effort": 7}, "reasoning_effort"),
        (CHAT, {"max_completion_tokens": "9"}, "max_completion_tokens"),
        (CHAT, {"tool_choice": "required"}, "tool_choice"),
        (CHAT, {"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
        (CHAT, {"tools": [{}, 7], "tool_choice": "required"}, "tools[0].type"),
        (COMPLETIONS, {"prompt": {}}, "prompt"),
        (COMPLETIONS, {"prompt": ["a", None]}, "prompt"),
        (COMPLETIONS, {"prompt": ["a"] * 17}, "n"),
        (EMBEDDINGS, {"input": ""}, "input"),
        (EMBEDDINGS, {"input": []}, "input"),
        (EMBEDDINGS, {"input": ["a", [{}]]}, "input"),
        (EMBEDDINGS, {"input": ["a"] * 2_048, "dimensions": 4_096}, "input"),
        (EMBEDDINGS, {"input": "a", "dimensions": True}, "dimensions"),
        (EMBEDDINGS, {"input": "a", "encoding_format": "hex"}, "encoding_format"),
        (EMBEDDINGS, {"input": "a", "dimensions": 0}, "dimensions"),
        (b"/v1/audio", {}, None),
    ],
)
async def test_nonsense_is_a_bad_request_that_names_the_field(
    path: bytes, fields: dict[str, Any], param: str | None
) -> None:
    status, body = await ask(path, **fields)
    assert status == (404 if path == b"/v1/audio" else 400)
    assert body["error"]["param"] == param


async def test_a_stream_waits_for_its_reader_and_ends_when_it_is_given_up() -> None:
    body = json.dumps({"model": "m", "messages": HELLO, "stream": True}).encode()
    reply = await MockUpstream(Mock()).send(CHAT, b"", body)
    pieces: list[bytes] = []

    def take(piece: bytes) -> None:
        pieces.append(piece)
        reply.pause()

    relaying = asyncio.create_task(reply.relay(take))
    for expected in (1, 2):
        await asyncio.sleep(0)
        assert len(pieces) == expected
        reply.resume()
        await asyncio.sleep(0)
    reply.close()
    with pytest.raises(BrokenReply):
        await relaying
