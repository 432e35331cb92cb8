"""Streams that are cut at every tenth byte, and gone on with by another provider."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airouter.dialects.client_request import parse_client_request
from airouter.dialects.joining.joined_answer import JoinedAnswer
from airouter.dialects.joining.resuming import GO_ON
from airouter.dialects.joining.seam import LIMIT
from airouter.failures import Failure
from support.goers_on import Script, chat_stream, cut_in, ends_with_the_model
from unit.dialects.joining.joined import PREFILLED, Client, asked, length, translation

CLIENTS = pytest.mark.parametrize("api", ["chat", "messages", "responses"])
PAIRS = pytest.mark.parametrize(
    ("first", "second"),
    [
        ("openai", "openai"),
        ("compatible", "messages"),
        ("messages", "compatible"),
        ("messages", "messages"),
        ("converse", "gemini"),
        ("gemini", "converse"),
    ],
)
TEXT = "Es  regnet\n\n heute «nicht» 🌧, \t sagt man.\n\n1. Morgen\n2. Übermorgen: \n"
THOUGHT = "Grüße an alle, die denken"
SPOKEN = Script(TEXT)
CALLS = (("weather", '{"city":"Zürich"}'), ("weather", '{"city":"Bern"}'))
CALLING = Script("Let me look. ", calls=CALLS)
MIDDLE = 900
"""Bytes after which any of the streams is inside its text."""


def models(upstream: str) -> str:
    return PREFILLED.get(upstream, "m")


def whole(api: str, script: Script, upstream: str) -> dict[str, Any]:
    client = Client(api)
    assert client.ask(script, upstream, models(upstream))
    return client.answer()


@CLIENTS
@PAIRS
def test_a_text_that_is_cut_anywhere_reads_as_one_that_is_not(
    api: str, first: str, second: str
) -> None:
    expected = whole(api, SPOKEN, first)
    for cut in range(0, length(SPOKEN, first), 10):
        client = Client(api)
        if not client.ask(SPOKEN, first, models(first), cut=cut):
            assert client.ask(SPOKEN, second, models(second))
        answer = client.answer()
        assert answer["text"] == expected["text"] == [TEXT], cut
        assert answer["stop"] == "end"
        if client.joined.seam.spent is not None:
            assert answer["model"] == expected["model"]


@CLIENTS
def test_a_text_that_is_cut_again_and_again_is_one_text(api: str) -> None:
    client = Client(api)
    for _ in range(4):
        said = client.joined.seam.text
        left = Script(TEXT[len(said.rstrip()) :])
        cut = cut_in(left, "messages", said=14)
        assert not client.ask(SPOKEN, "messages", "claude-sonnet-4-5", cut=cut)
        assert len(client.joined.seam.text) > len(said)
    assert client.ask(SPOKEN, "messages", "claude-sonnet-4-5")
    assert client.answer()["text"] == [TEXT]


@CLIENTS
def test_a_model_may_leave_out_the_white_space_that_was_said_before_the_cut(api: str) -> None:
    script = Script("Hello  \n world")
    client = Client(api)
    assert not client.ask(script, "compatible", cut=cut_in(script, "compatible", said=7))
    assert client.joined.seam.text == "Hello  "
    stream = translation(api, "compatible").stream_filter(client.request, client._write)
    stream.feed(chat_stream(Script("\n world")))
    stream.finish()
    assert client.answer()["text"] == ["Hello  \n world"]


@CLIENTS
@PAIRS
def test_a_call_is_told_whole_and_once_wherever_its_stream_is_cut(
    api: str, first: str, second: str
) -> None:
    calls = [(name, json.loads(arguments)) for name, arguments in CALLS]
    seen = set()
    for cut in range(0, length(CALLING, first), 10):
        client = Client(api)
        if not client.ask(CALLING, first, models(first), cut=cut):
            assert client.ask(CALLING, second, models(second))
        answer = client.answer()
        assert answer["text"] == [CALLING.text], cut
        assert answer["calls"] in (calls, calls[:1]), cut
        assert answer["stop"] == "tool_calls"
        seen.add((len(client.bodies), len(answer["calls"])))
    # Gone on with before the first call was whole, ended with one, and whole at last.
    assert {(2, 2), (1, 2)} <= seen
    if first != "gemini":  # whose calls come whole
        assert (1, 1) in seen


@CLIENTS
@PAIRS
def test_a_thought_is_begun_anew_until_something_was_said_and_then_left_out(
    api: str, first: str, second: str
) -> None:
    script = Script(TEXT, thought=THOUGHT)
    seen = set()
    for cut in range(0, length(script, first), 10):
        client = Client(api)
        if not client.ask(script, first, models(first), cut=cut):
            assert client.ask(script, second, models(second))
        answer = client.answer()
        assert answer["text"] == [TEXT], cut
        thoughts = "".join(answer["thoughts"])  # which chat completions do not tell apart
        cut_off = thoughts.removesuffix(THOUGHT)
        assert len(thoughts) > len(cut_off)
        assert THOUGHT.startswith(cut_off)
        seen.add(bool(cut_off))
    assert seen == {False, True}


def test_a_thought_that_was_cut_off_is_given_back_to_no_model() -> None:
    client = Client("messages")
    script = Script("Hi", thought=THOUGHT)
    cut = cut_in(script, "messages", thought=7)
    assert not client.ask(script, "messages", "claude-sonnet-4-5", cut=cut)
    assert client.ask(script, "messages", "claude-sonnet-4-5")
    content = content_of(client.got)
    assert [block["type"] for block in content] == ["thinking", "thinking", "text"]
    history = [{"role": "assistant", "content": content}, {"role": "user", "content": "So?"}]
    messages = [{"role": "user", "content": "Hi"}, *history]
    request = parse_client_request(asked("messages", messages=messages))
    (body,) = translation("messages", "messages", "claude-sonnet-4-5").encode(request)
    said = json.loads(body)["messages"][1]["content"]
    assert [block.get("thinking") for block in said] == [THOUGHT, None]


def content_of(got: bytes) -> list[dict[str, Any]]:
    """The content of a message, as Anthropic's SDK puts it together."""
    content: list[dict[str, Any]] = []
    for line in got.split(b"\n"):
        event = json.loads(line[6:]) if line.startswith(b"data: ") else {}
        if event.get("type") == "content_block_start":
            content.append(event["content_block"])
        elif event.get("type") == "content_block_delta":
            for name in ("text", "thinking", "signature"):
                if name in event["delta"]:
                    content[-1][name] = content[-1].get(name, "") + event["delta"][name]
    return content


@CLIENTS
def test_the_cost_of_all_streams_is_added_up_and_estimated_where_it_was_not_told(api: str) -> None:
    client = Client(api)
    said = TEXT[:42]
    assert not client.ask(SPOKEN, "messages", cut=cut_in(SPOKEN, "messages", said=42))
    assert client.ask(SPOKEN, "compatible")
    assert client.stream is not None
    usage = client.stream.usage_so_far(0)
    spoken = len(said.encode())
    assert client.answer()["usage"] == (usage.input_tokens, usage.output_tokens)
    assert usage.input_tokens == 100 + 100
    assert usage.output_tokens == -(-spoken // 4) + 10


def test_a_prompt_that_no_provider_counted_is_estimated_with_what_was_said() -> None:
    client = Client("chat")
    assert not client.ask(SPOKEN, "compatible", cut=MIDDLE)
    assert client.ask(SPOKEN, "compatible")
    (given, _) = client.answer()["usage"]
    assert given == -(-len(client.request.body) // 4) + 100


@pytest.mark.parametrize("upstream", ["messages", "converse"])
def test_a_model_that_takes_a_prefill_gets_one_without_white_space_at_its_end(
    upstream: str,
) -> None:
    client = Client("chat", max_completion_tokens=100, reasoning_effort="low")
    script = Script("Es  regnet\n\n\n\nheute")
    assert not client.ask(script, "compatible", cut=cut_in(script, "compatible", said=14))
    assert client.joined.seam.text == "Es  regnet\n\n\n\n"
    assert client.ask(script, upstream, PREFILLED[upstream])
    body = client.bodies[-1]
    assert ends_with_the_model(body)
    assert body["messages"][-1]["content"][-1]["text"] == "Es  regnet"
    limit = body.get("max_tokens") or body["inferenceConfig"]["maxTokens"]
    assert limit == 100 - 3
    assert "enabled" not in json.dumps(body)  # it has thought already


@pytest.mark.parametrize(
    ("upstream", "model"),
    [
        ("compatible", "m"),
        ("openai", "gpt-5"),
        ("messages", "claude-opus-4-6"),
        ("converse", "meta.llama3-1-70b-instruct-v1:0"),
        ("gemini", "gemini-2.5-pro"),
    ],
)
def test_any_other_model_is_told_in_words_to_go_on(upstream: str, model: str) -> None:
    client = Client("chat")
    assert not client.ask(SPOKEN, "compatible", cut=MIDDLE)
    assert client.ask(SPOKEN, upstream, model)
    body = client.bodies[-1]
    assert not ends_with_the_model(body)
    turns = body.get("messages") or body["contents"]
    assert GO_ON in json.dumps(turns[-1])


def test_a_backend_that_refused_the_prefill_is_told_in_words() -> None:
    client = Client("chat")
    assert not client.ask(SPOKEN, "compatible", cut=MIDDLE)
    way = translation("chat", "messages", "claude-sonnet-4-5")
    assert ends_with_the_model(json.loads(way.encode(client.request)[0]))
    assert client.joined.is_prefilled
    client.joined.refuse_prefill()
    assert not ends_with_the_model(json.loads(way.encode(client.request)[0]))
    assert not client.joined.is_prefilled


@pytest.mark.parametrize(
    ("api", "upstream", "field"),
    [("chat", "openai", "stop"), ("messages", "messages", "stop_sequences")],
)
def test_a_request_of_the_same_dialect_passes_as_it_is_until_something_was_said(
    api: str, upstream: str, field: str
) -> None:
    client = Client(api, **{field: []})  # which nobody writes who can leave it out
    assert not client.ask(SPOKEN, upstream, cut=10)
    assert not client.ask(SPOKEN, upstream, cut=cut_in(SPOKEN, upstream, said=7))
    assert client.ask(SPOKEN, upstream)
    assert [field in body for body in client.bodies] == [True, True, False]


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}},
        {"modalities": ["text", "audio"], "audio": {"voice": "v", "format": "wav"}},
        {"messages": [{"role": "user", "content": [{"type": "of_tomorrow"}]}]},
    ],
)
def test_what_only_one_stream_can_give_passes_as_it_always_did(fields: dict[str, Any]) -> None:
    request = parse_client_request(asked("chat", **fields))
    request.joined = JoinedAnswer()
    got: list[bytes] = []
    stream = translation("chat", "openai").stream_filter(request, got.append)
    stream.feed(b'data: {"of_tomorrow":1}\n\n')
    assert got == [b'data: {"of_tomorrow":1}\n\n']
    assert request.joined is None


def test_a_model_whose_answers_have_a_form_does_not_go_on_with_one_that_has_none() -> None:
    client = Client("chat")
    assert not client.ask(SPOKEN, "compatible", cut=MIDDLE)
    request = parse_client_request(asked("chat", response_format={"type": "json_object"}))
    request.joined = client.joined
    with pytest.raises(Failure, match="cannot go on"):
        translation("chat", "gemini").encode(request)


def test_an_answer_that_is_longer_than_can_be_kept_is_not_gone_on_with() -> None:
    client = Client("chat")
    stream = translation("chat", "compatible").stream_filter(client.request, client._write)
    piece = json.dumps({"id": "c", "choices": [{"index": 0, "delta": {"content": "x" * 65_536}}]})
    for _ in range(LIMIT // 65_536):
        stream.feed(b"data: %b\n\n" % piece.encode())
    assert client.joined.seam.can_go_on
    stream.feed(b"data: %b\n\n" % piece.encode())
    assert not client.joined.seam.can_go_on
    assert client.got.count(b"x" * 65_536) == LIMIT // 65_536 + 1
    client.got = b""
    stream.break_off(Failure(502, "broken", code="broken_reply"))
    assert b"broken_reply" in client.got


def call_chunk(arguments: str, **more: str) -> bytes:
    call = {"index": 0, "id": "call_1", "function": {"arguments": arguments, **more}}
    choice = {"index": 0, "delta": {"tool_calls": [call]}}
    return b"data: %b\n\n" % json.dumps({"id": "c", "created": 1, "choices": [choice]}).encode()


def test_a_call_that_is_longer_than_can_be_held_is_told_as_it_comes() -> None:
    client = Client("chat")
    stream = translation("chat", "compatible").stream_filter(client.request, client._write)
    stream.feed(call_chunk('{"x":"', name="weather"))
    for _ in range(LIMIT // 65_536 - 1):
        stream.feed(call_chunk("y" * 65_536))
    assert b"weather" not in client.got
    stream.feed(call_chunk("y" * 65_536))
    assert client.got.count(b"y" * 65_536) == LIMIT // 65_536
    assert not client.joined.seam.can_go_on
    stream.feed(call_chunk('"}'))
    stream.feed(b"data: [DONE]\n\n")
    stream.finish()
    assert client.answer()["calls"] == [("weather", {"x": "y" * LIMIT})]


def test_an_answer_that_has_stopped_is_whole_though_its_stream_is_not() -> None:
    client = Client("messages")
    stop = length(SPOKEN, "messages") - 50
    assert client.ask(SPOKEN, "messages", cut=stop)
    assert client.answer()["stop"] == "end"
    assert len(client.bodies) == 1


@CLIENTS
def test_one_call_at_a_time_is_one_call_over_a_seam_too(api: str) -> None:
    alone: dict[str, Any] = {"parallel_tool_calls": False}
    if api == "messages":
        alone = {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    client = Client(api, **alone)
    assert not client.ask(CALLING, "gemini", "m", cut=300)
    assert client.ask(CALLING, "converse", PREFILLED["converse"])
    assert len(client.answer()["calls"]) == 1
