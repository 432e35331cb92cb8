"""Tools that a provider runs itself, which clients offer beside the functions they are about."""

from __future__ import annotations

import msgspec
import pytest

from airouter.dialects.conversation import Json
from airouter.failures import Failure
from unit.dialects.translation.crossing import TRANSLATED, request, sent, way

HELLO: Json = {"role": "user", "content": "hello"}
FUNCTION: Json = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
CHAT_FUNCTION: Json = {"type": "function", "function": {"name": "weather"}}
CLAUDE_TOOL: Json = {"name": "weather", "input_schema": {"type": "object"}}
OFFERS = ["image_generation", "file_search", "tool_search", "mcp", "web_search"]


@pytest.mark.parametrize("kind", OFFERS)
@pytest.mark.parametrize("to", ["openai", "compatible", *TRANSLATED])
def test_an_offer_beside_functions_is_left_out_where_there_is_no_such_tool(
    to: str, kind: str
) -> None:
    body = sent("responses", to, input="hello", tools=[{"type": kind}, FUNCTION])
    said = msgspec.json.encode(body).decode()
    assert "weather" in said
    assert kind not in said or (to, kind) == ("anthropic", "web_search")  # which Anthropic has


@pytest.mark.parametrize("kind", OFFERS[:-1])
@pytest.mark.parametrize("to", ["openai", "compatible", *TRANSLATED])
def test_what_is_all_that_is_offered_is_refused(to: str, kind: str) -> None:
    with pytest.raises(Failure) as refused:
        sent("responses", to, input="hello", tools=[{"type": kind}])
    assert (refused.value.status, refused.value.param) == (400, "tools[0]")


@pytest.mark.parametrize("kind", ["computer", "shell", "programmatic_tool_calling"])
def test_a_tool_that_no_client_adds_by_itself_is_refused_beside_functions_too(kind: str) -> None:
    tool = {"type": kind, "environment": {"type": "container_auto"}}
    with pytest.raises(Failure) as refused:
        sent("responses", "anthropic", input="hello", tools=[FUNCTION, tool])
    assert refused.value.param == "tools[1]"


@pytest.mark.parametrize("to", ["openai", "gemini", "bedrock"])
def test_offers_of_anthropic_s_clients_are_left_out_elsewhere(to: str) -> None:
    search = {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}
    body = sent("messages", to, max_tokens=9, messages=[HELLO], tools=[search, CLAUDE_TOOL])
    assert "tool_search" not in msgspec.json.encode(body).decode()


@pytest.mark.parametrize("to", ["openai", "compatible", "gemini", "bedrock"])
def test_what_anthropic_s_tools_have_done_is_a_record_elsewhere(to: str) -> None:
    searched = [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        {"type": "text", "text": "It rains."},
    ]
    messages = [HELLO, {"role": "assistant", "content": searched}, HELLO]
    body = sent("messages", to, max_tokens=9, messages=messages)
    assert "It rains." in msgspec.json.encode(body).decode()


@pytest.mark.parametrize("to", ["openai", "gemini", "bedrock"])
def test_what_stands_for_all_before_it_is_no_record(to: str) -> None:
    compacted = [{"type": "compaction", "content": "earlier"}]
    messages = [HELLO, {"role": "assistant", "content": compacted}, HELLO]
    with pytest.raises(Failure) as refused:
        sent("messages", to, max_tokens=9, messages=messages)
    assert refused.value.param == "messages[1]"


@pytest.mark.parametrize("to", ["native", "anthropic"])
def test_one_tool_can_be_dropped_by_its_type(to: str) -> None:
    tools = [{"type": "computer"}, FUNCTION]
    asked = request(input="hello", tools=tools, tool_choice={"type": "computer"})
    (body,) = way("responses", to, drop=("tools.computer",)).encode(asked)
    found = msgspec.json.decode(body)
    assert [tool["name"] for tool in found["tools"]] == ["weather"]
    assert found.get("tool_choice") is None


def test_a_request_whose_only_tool_is_dropped_has_no_tools_and_no_choice() -> None:
    asked = request(
        messages=[HELLO], tools=[CHAT_FUNCTION], tool_choice="auto", parallel_tool_calls=True
    )
    (body,) = way("chat", "openai", drop=("tools.function",)).encode(asked)
    assert msgspec.json.decode(body) == {"model": "gpt-4o", "messages": [HELLO]}
