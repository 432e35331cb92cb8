"""Names of tools that a provider does not take: others on the way there, and back as they were."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import Json
from unit.dialects.translation.crossing import GPT, QWEN, TRANSLATED, heard, request, sent, way
from unit.dialects.translation.wording import (
    HELLO,
    Call,
    Give,
    Offer,
    Turn,
    Wish,
    in_chat,
    in_messages,
    in_responses,
)

LONG = "mcp__a_server_with_a_very_long_name__" + "look_something_up_" * 3
ODD = (
    "fs.read",
    "GET:/patterns",
    "Husqvarna Automowers Status",
    "größe",
    "погода",
    "3d_render",
    "-x",
)
WRITERS = {"chat": in_chat, "messages": in_messages, "responses": in_responses}
TAKEN = {
    "openai": r"[a-zA-Z0-9_-]{1,64}",
    "compatible": r"[a-zA-Z0-9_-]{1,64}",
    "anthropic": r"[a-zA-Z0-9_-]{1,128}",
    "gemini": r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}",
    "bedrock": r"[a-zA-Z0-9_-]{1,64}",
}
ARGUMENTS = '{"a":1}'
CROSSINGS = [(api, to) for api in WRITERS for to in TAKEN if (api, to) != ("chat", "compatible")]
"""All ways, also those where an API passes through, but the one to servers of whatever taste."""
CROSSING = pytest.mark.parametrize(("api", "to"), CROSSINGS)
NAMED = pytest.mark.parametrize("name", [*ODD, LONG])


def asking(api: str, name: str, **more: Any) -> Json:
    """A request with a name in each place: declared, chosen, called before."""
    turns: list[Turn] = [HELLO, Call(["c1"], name), Give(["c1"])]
    body = WRITERS[api](Wish(turns, [Offer(name)], chosen=[name]))
    del body["model"]
    if api == "chat":
        body["tool_choice"] = {"type": "function", "function": {"name": name}}
    return body | more


def names_in(to: str, body: Json) -> dict[str, list[str]]:
    """The names in a provider's body, by their places."""
    if to == "anthropic":
        called = [block for each in body["messages"] for block in blocks_of(each)]
        return {
            "declared": [tool["name"] for tool in body["tools"]],
            "chosen": [body["tool_choice"]["name"]],
            "called": [block["name"] for block in called if block["type"] == "tool_use"],
        }
    if to == "gemini":
        parts = [part for content in body["contents"] for part in content["parts"]]
        declared = body["tools"][0]["functionDeclarations"]
        calling = body["toolConfig"]["functionCallingConfig"]
        kinds = ("functionCall", "functionResponse")
        return {
            "declared": [function["name"] for function in declared],
            "chosen": calling["allowedFunctionNames"],
            "called": [part[kind]["name"] for kind in kinds for part in parts if kind in part],
        }
    if to == "bedrock":
        blocks = [block for message in body["messages"] for block in message["content"]]
        return {
            "declared": [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]],
            "chosen": [body["toolConfig"]["toolChoice"]["tool"]["name"]],
            "called": [block["toolUse"]["name"] for block in blocks if "toolUse" in block],
        }
    calls = [call for message in body["messages"] for call in message.get("tool_calls", ())]
    return {
        "declared": [tool["function"]["name"] for tool in body["tools"]],
        "chosen": [body["tool_choice"]["function"]["name"]],
        "called": [call["function"]["name"] for call in calls],
    }


def blocks_of(message: Json) -> list[Json]:
    """The blocks of a message for Claude."""
    content = message["content"]
    return [] if isinstance(content, str) else content


def answering(to: str, name: str) -> Json:
    """A provider's whole answer: a call of a tool."""
    if to == "anthropic":
        use = {"type": "tool_use", "id": "c2", "name": name, "input": {"a": 1}}
        return {"id": "msg", "model": "x", "content": [use], "stop_reason": "tool_use"}
    if to == "gemini":
        part = {"functionCall": {"name": name, "args": {"a": 1}}}
        content = {"role": "model", "parts": [part]}
        return {"candidates": [{"content": content, "finishReason": "STOP"}]}
    if to == "bedrock":
        use = {"toolUse": {"toolUseId": "c2", "name": name, "input": {"a": 1}}}
        message = {"role": "assistant", "content": [use]}
        return {"output": {"message": message}, "stopReason": "tool_use"}
    call = {"id": "c2", "type": "function", "function": {"name": name, "arguments": ARGUMENTS}}
    said: Json = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": said, "finish_reason": "tool_calls"}
    return {"id": "c", "object": "chat.completion", "model": "x", "choices": [choice]}


def called(api: str, answer: Json) -> list[str]:
    """The names that a client is told to call."""
    if api == "chat":
        calls = answer["choices"][0]["message"]["tool_calls"]
        return [call["function"]["name"] for call in calls]
    blocks = answer["content" if api == "messages" else "output"]
    return [block["name"] for block in blocks if block["type"] in {"tool_use", "function_call"}]


@CROSSING
@NAMED
def test_a_name_is_one_that_the_provider_takes_in_every_place(api: str, to: str, name: str) -> None:
    found = names_in(to, sent(api, to, **asking(api, name)))
    assert len({each for names in found.values() for each in names}) == 1
    (told,) = found["declared"]
    assert re.fullmatch(TAKEN[to], told)
    assert (told == name) == bool(re.fullmatch(TAKEN[to], name)) or name in {"3d_render", "-x"}


@CROSSING
@NAMED
def test_a_call_comes_back_by_its_own_name(api: str, to: str, name: str) -> None:
    asked = asking(api, name)
    (told,) = names_in(to, sent(api, to, **asked))["declared"]
    assert called(api, heard(api, to, answering(to, told), **asked)) == [name]


@pytest.mark.parametrize("api", WRITERS)
@NAMED
def test_a_call_in_a_stream_comes_back_by_its_own_name(api: str, name: str) -> None:
    asked, there_and_back = request(**asking(api, name, stream=True)), way(api, "openai")
    (body,) = there_and_back.encode(asked)
    (told,) = names_in("openai", msgspec.json.decode(body))["declared"]
    call = {"index": 0, "id": "c2", "function": {"name": told, "arguments": "{}"}}
    choice = {"index": 0, "delta": {"role": "assistant", "tool_calls": [call]}}
    written: list[bytes] = []
    stream = there_and_back.stream_filter(asked, written.append)
    chunk = {"id": "c", "object": "chat.completion.chunk", "model": "x", "choices": [choice]}
    stream.feed(b"data: " + msgspec.json.encode(chunk) + b"\n\n")
    assert f'"name":"{name}"' in b"".join(written).decode()


@pytest.mark.parametrize("names", [("a.b", "a_b"), ("a.b", "a/b"), (LONG, LONG[:-1])])
def test_names_that_are_alike_are_told_apart(names: tuple[str, str]) -> None:
    body = in_chat(Wish(tools=[Offer(name) for name in names]))
    told = [
        tool["toolSpec"]["name"] for tool in sent("chat", "bedrock", **body)["toolConfig"]["tools"]
    ]
    assert len(set(told)) == 2


@pytest.mark.parametrize("to", ["anthropic", "bedrock"])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_of_some_tools_that_may_be_called_no_other_is_offered(api: str, to: str) -> None:
    offers = [Offer("fs.read"), Offer("fs write"), Offer("plain")]
    body = WRITERS[api](Wish(tools=offers, chosen=["fs.read", "fs write"]))
    said = sent(api, to, **body)
    assert "plain" not in str(said)
    told = said["tools"] if to == "anthropic" else said["toolConfig"]["tools"]
    assert len(told) == 2
    if to == "anthropic":
        assert said["tool_choice"] == {"type": "any"}
    else:
        assert said["toolConfig"]["toolChoice"] == {"any": {}}


@pytest.mark.parametrize(
    ("api", "to"),
    [each for each in CROSSINGS if each[1] in TRANSLATED and each != ("messages", "anthropic")],
)
def test_a_call_without_a_name_does_not_end_a_conversation(api: str, to: str) -> None:
    turns: list[Turn] = [HELLO, Call(["c1"], ""), Give(["c1"]), HELLO]
    body = WRITERS[api](Wish(turns, [Offer("f")], chosen=["f"]))
    (first,) = {*names_in(to, sent(api, to, **body))["called"]}
    assert re.fullmatch(TAKEN[to], first)


@NAMED
def test_a_server_that_speaks_as_openai_does_is_told_the_names_as_they_are(name: str) -> None:
    asked = asking("chat", name)
    assert sent("chat", "compatible", **asked) == {"model": QWEN, **asked}


def test_what_only_looks_like_a_name_leaves_a_request_as_it_is() -> None:
    named = {"name": "a b"}
    schema = {"type": "object", "properties": {"o": {"type": "object", "default": named}}}
    asked = in_chat(Wish(tools=[Offer("f", schema)])) | {"model": GPT, "unheard_of": 1}
    assert sent("chat", "openai", **asked) == asked


def test_tokens_are_counted_of_a_tool_of_any_name() -> None:
    asked = asking("messages", "fs.read")
    del asked["max_tokens"]
    counted = sent("count_tokens", "anthropic", **asked)
    assert "fs.read" not in str(counted)
    answer = heard("count_tokens", "anthropic", {"input_tokens": 7}, **asked)
    assert answer == {"input_tokens": 7}
