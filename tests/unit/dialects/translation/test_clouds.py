"""What clients of Anthropic's own service say to it, on the way to other clouds."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.config.snapshot import Parameters
from airouter.dialects.client_request import ClientRequest, Edits
from airouter.dialects.conversation import Destination, Json
from airouter.dialects.converse.upstream import CONVERSE
from airouter.dialects.messages.upstream import MESSAGES, ON_VERTEX
from airouter.dialects.translation.base import Translation
from airouter.dialects.translation.choice import translation_for
from airouter.dialects.translation.client_apis import ServedModel
from airouter.dialects.upstream_api import UpstreamApi
from airouter.failures import Failure
from airouter.providers.vertex import CLAUDE_ENVELOPE
from support.claude_signatures import claude_signature
from unit.dialects.translation.crossing import SONNET, request, sent, way

HELLO: Json = {"role": "user", "content": "hello"}
BILLING: Json = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cch=00000;"}
PROMPT: Json = {
    "type": "text",
    "text": "You are Claude Code.",
    "cache_control": {"type": "ephemeral"},
}
BETAS = "claude-code-20250219,context-1m-2025-08-07,prompt-caching-scope-2026-01-05"
BOTH_APIS = pytest.mark.parametrize("api", ["messages", "count_tokens"])


def to_claude(upstream: UpstreamApi, api: str = "messages", **more: Any) -> Translation:
    return to_model(Destination(model=SONNET, maker=SONNET), upstream, api, **more)


def to_model(
    destination: Destination, upstream: UpstreamApi, api: str = "messages", **more: Any
) -> Translation:
    served = ServedModel("m", destination, Edits(Parameters()), envelope=more)
    return translation_for(api, upstream, served)


def asked(**fields: Any) -> ClientRequest:
    return request(**{"max_tokens": 9, "messages": [HELLO], **fields})


def headers_for(upstream: UpstreamApi, given: ClientRequest) -> dict[bytes, bytes]:
    header = {b"anthropic-beta": given.betas.encode()} if given.betas else {}
    return to_claude(upstream).passed_headers(given, {b"anthropic-version": b"v", **header})


@pytest.mark.parametrize("to", ["openai", "gemini", "bedrock"])
def test_who_pays_anthropic_is_told_to_nobody_else(to: str) -> None:
    body = sent("messages", to, max_tokens=9, messages=[HELLO], system=[BILLING, PROMPT])
    said = msgspec.json.encode(body).decode()
    assert "billing" not in said
    assert "You are Claude Code." in said


@BOTH_APIS
def test_who_pays_anthropic_is_not_told_to_google(api: str) -> None:
    given = asked(system=[BILLING, PROMPT])
    (body,) = to_claude(ON_VERTEX, api, **CLAUDE_ENVELOPE).encode(given)
    assert msgspec.json.decode(body)["system"] == [PROMPT]
    (body,) = to_claude(ON_VERTEX, api, **CLAUDE_ENVELOPE).encode(asked(system=[BILLING]))
    assert "system" not in msgspec.json.decode(body)


@BOTH_APIS
def test_who_pays_is_told_to_anthropic_itself(api: str) -> None:
    (body,) = to_claude(MESSAGES, api).encode(asked(system=[BILLING, PROMPT]))
    assert msgspec.json.decode(body)["system"] == [BILLING, PROMPT]


CACHED: Json = {"type": "ephemeral", "scope": "global", "ttl": "1h"}
LATE: Json = {"role": "system", "content": "Be brief."}
"""Of which an older model is told in older words, so that the request is rendered anew."""


@BOTH_APIS
@pytest.mark.parametrize("more", [[], [LATE, HELLO]], ids=["passed", "anew"])
@pytest.mark.parametrize("first", ["type", "scope"])
def test_google_is_not_told_what_only_anthropic_takes(
    api: str, more: list[Json], first: str
) -> None:
    cached = {first: CACHED[first], **CACHED}
    schema = {"type": "object", "properties": {"scope": {"type": "string"}}}
    tool = {"name": "f", "input_schema": schema, "eager_input_streaming": True}
    said = '"cache_control":{"scope":"global"}, "eager_input_streaming"'
    given = asked(
        system=[PROMPT | {"cache_control": cached, "text": said}],
        tools=[tool | {"cache_control": {"scope": "global", "type": "ephemeral"}}],
        messages=[HELLO, *more],
    )
    (body,) = to_claude(ON_VERTEX, api, **CLAUDE_ENVELOPE).encode(given)
    sent_body = msgspec.json.decode(body)
    system, told = sent_body["system"][0], sent_body["tools"][0]
    assert (system["text"], system["cache_control"]) == (said, {"type": "ephemeral", "ttl": "1h"})
    assert told == {"name": "f", "input_schema": schema, "cache_control": {"type": "ephemeral"}}


@BOTH_APIS
def test_anthropic_is_told_all_that_only_it_takes(api: str) -> None:
    tool = {"name": "f", "input_schema": {"type": "object"}, "eager_input_streaming": True}
    given = asked(system=[PROMPT | {"cache_control": CACHED}], tools=[tool])
    (body,) = to_claude(MESSAGES, api).encode(given)
    sent_body = msgspec.json.decode(body)
    assert (sent_body["system"][0]["cache_control"], sent_body["tools"]) == (CACHED, [tool])


def test_anthropic_is_named_all_betas() -> None:
    given = asked()
    given.betas = BETAS
    assert headers_for(MESSAGES, given)[b"anthropic-beta"] == BETAS.encode()


def test_betas_in_the_body_go_to_anthropic_in_the_header() -> None:
    given = asked(anthropic_beta=["b", "c", "d\r\nx-api-key: e"])
    given.betas = "a, b"
    assert headers_for(MESSAGES, given)[b"anthropic-beta"] == b"a,b,c"
    (body,) = to_claude(MESSAGES).encode(given)
    assert "anthropic_beta" not in msgspec.json.decode(body)


def test_vertex_is_named_the_betas_that_it_takes() -> None:
    given = asked(anthropic_beta=["advanced-tool-use-2025-11-20", "made-up"])
    given.betas = BETAS
    named = headers_for(ON_VERTEX, given)
    assert named[b"anthropic-beta"] == b"context-1m-2025-08-07,tool-search-tool-2025-10-19"
    assert named[b"anthropic-version"] == b"v"


def test_vertex_is_named_no_betas_where_it_takes_none() -> None:
    given = asked()
    given.betas = "prompt-caching-scope-2026-01-05"
    assert headers_for(ON_VERTEX, given) == {b"anthropic-version": b"v"}


def test_bedrock_is_named_the_betas_that_it_takes_in_the_body() -> None:
    given = asked(anthropic_beta=["interleaved-thinking-2025-05-14"])
    given.betas = BETAS
    (body,) = way("messages", "bedrock").encode(given)
    assert msgspec.json.decode(body)["additionalModelRequestFields"] == {
        "anthropic_beta": ["context-1m-2025-08-07", "interleaved-thinking-2025-05-14"]
    }


def test_other_models_at_bedrock_are_named_no_betas() -> None:
    given = asked()
    given.betas = BETAS
    (body,) = way("messages", "bedrock", "us.amazon.nova-pro-v1:0").encode(given)
    assert "additionalModelRequestFields" not in msgspec.json.decode(body)


@pytest.mark.parametrize("unsigned", [{"signature": ""}, {}, {"signature": None}])
@pytest.mark.parametrize("upstream", [MESSAGES, ON_VERTEX])
def test_a_thought_that_nobody_signed_never_meets_claude(
    upstream: UpstreamApi, unsigned: Json
) -> None:
    thought = {"type": "thinking", "thinking": "hm", **unsigned}
    answer = {"role": "assistant", "content": [thought, {"type": "text", "text": "four"}]}
    (body,) = to_claude(upstream).encode(asked(messages=[HELLO, answer, HELLO]))
    assert msgspec.json.decode(body)["messages"][1]["content"] == [{"type": "text", "text": "four"}]


@pytest.mark.parametrize(
    "thought",
    [
        {"type": "thinking", "thinking": "hm", "signature": "CiQBjz1rX94p1vOFXtHLlpbUvRj4Yy0="},
        {"type": "thinking", "thinking": "hm", "signature": "3f0c9a1e-2b4c-4d5e-8f90-1234567890ab"},
        {"type": "redacted_thinking", "data": "gAAAAABpZ3VmS0pyb1hQeTJ4Q2FxWkV"},
    ],
    ids=["of Gemini", "of DeepSeek", "of OpenAI"],
)
@pytest.mark.parametrize("upstream", [MESSAGES, ON_VERTEX, CONVERSE])
def test_a_thought_that_another_model_signed_never_meets_claude(
    upstream: UpstreamApi, thought: Json
) -> None:
    answer = {"role": "assistant", "content": [thought, {"type": "text", "text": "four"}]}
    (body,) = to_claude(upstream).encode(asked(messages=[HELLO, answer, HELLO]))
    (kept,) = msgspec.json.decode(body)["messages"][1]["content"]
    assert kept["text"] == "four"


def test_another_model_behind_anthropics_api_gets_back_what_it_signed() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "3f0c9a1e-2b4c-4d5e-8f90"}
    answer = {"role": "assistant", "content": [thought, {"type": "text", "text": "four", "x": 1}]}
    deepseek = Destination(model="deepseek-chat", maker="Anthropic/c/deepseek-chat")
    (body,) = to_model(deepseek, MESSAGES).encode(asked(messages=[HELLO, answer, HELLO]))
    assert msgspec.json.decode(body)["messages"][1] == answer


def test_a_thought_that_claude_signed_passes_as_it_is() -> None:
    seal = claude_signature("hm")
    thought = {"type": "thinking", "thinking": "hm", "signature": seal}
    hidden = {"type": "redacted_thinking", "data": seal}
    said = {"type": "text", "text": "four", "x": 1}
    answer = {"role": "assistant", "content": [thought, hidden, said]}
    (body,) = to_claude(MESSAGES).encode(asked(messages=[HELLO, answer, HELLO]))
    assert msgspec.json.decode(body)["messages"][1] == answer


def test_a_tool_that_takes_thinking_is_no_thought() -> None:
    schema = {"type": "object", "properties": {"thinking": {}}, "required": ["thinking"]}
    tools = [{"name": "f", "input_schema": schema, "unknown": 1}]
    (body,) = to_claude(MESSAGES).encode(asked(tools=tools, later_field=1))
    assert msgspec.json.decode(body)["later_field"] == 1


OF_TODAY: list[Json] = [
    {"thinking": {"type": "adaptive"}, "max_tokens": 4_000},
    {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}, "max_tokens": 32_000},
    {"messages": [HELLO, {"role": "system", "content": "Be brief."}]},
]


@pytest.mark.parametrize("fields", OF_TODAY, ids=["adaptive", "effort", "system"])
@pytest.mark.parametrize("upstream", [MESSAGES, ON_VERTEX])
def test_an_older_claude_is_asked_in_the_words_that_it_knows(
    upstream: UpstreamApi, fields: Json
) -> None:
    (body,) = to_claude(upstream).encode(asked(**fields))
    told = msgspec.json.decode(body)
    if "thinking" in fields:
        assert told["thinking"]["type"] == "enabled"
        assert told["thinking"]["budget_tokens"] < told["max_tokens"]
    assert "output_config" not in told
    assert {turn["role"] for turn in told["messages"]} == {"user"}
    assert ("Be brief." in str(told["messages"])) == ("messages" in fields)


@pytest.mark.parametrize("upstream", [MESSAGES, ON_VERTEX])
@pytest.mark.parametrize(
    "fields",
    [{"thinking": {"type": "adaptive"}}, {"output_config": {"effort": "high"}, "temperature": 0}],
)
def test_an_older_claude_that_may_say_but_a_few_words_does_not_think(
    upstream: UpstreamApi, fields: Json
) -> None:
    (body,) = to_claude(upstream).encode(asked(max_tokens=512, **fields))
    told = msgspec.json.decode(body)
    assert not told.keys() & {"thinking", "output_config"}
    assert told["max_tokens"] == 512


def test_a_budget_that_the_client_chose_is_never_dropped() -> None:
    thinking = {"type": "enabled", "budget_tokens": 2_000}
    system = {"role": "system", "content": "Be brief."}  # has the request rendered anew
    with pytest.raises(Failure) as caught:
        to_claude(MESSAGES).encode(
            asked(max_tokens=512, thinking=thinking, messages=[HELLO, system])
        )
    assert caught.value.status == 400


@pytest.mark.parametrize("fields", OF_TODAY, ids=["adaptive", "effort", "system"])
def test_the_newest_claude_is_asked_as_the_client_does(fields: Json) -> None:
    newest = Destination(model="claude-opus-4-8", maker="claude-opus-4-8")
    (body,) = to_model(newest, MESSAGES).encode(asked(x=1, **fields))
    told = msgspec.json.decode(body)
    assert told["x"] == 1
    assert {name: told[name] for name in fields} == fields


def test_a_tool_that_knows_a_system_is_no_instruction_in_the_middle() -> None:
    schema = {"type": "object", "examples": [{"role": "system"}]}
    used = {"type": "tool_use", "id": "t", "name": "f", "input": {"role": "system"}, "y": 1}
    result = {"type": "tool_result", "tool_use_id": "t", "content": "ok"}
    turns = [
        HELLO,
        {"role": "assistant", "content": [used]},
        {"role": "user", "content": [result]},
    ]
    given = asked(messages=turns, tools=[{"name": "f", "input_schema": schema}], x=1)
    (body,) = to_claude(MESSAGES).encode(given)
    assert msgspec.json.decode(body)["x"] == 1


OPUS = Destination(model="claude-opus-4-8", maker="claude-opus-4-8")
GOES: Json = {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "gone"}}


def with_tools_that_go() -> ClientRequest:
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in ("first", "gone")]
    return asked(tools=tools, messages=[HELLO, {"role": "system", "content": [GOES]}])


def test_a_tool_that_goes_in_the_middle_is_not_offered_to_a_claude_of_google_s() -> None:
    (encoded,) = to_model(OPUS, ON_VERTEX).encode(with_tools_that_go())
    body = msgspec.json.decode(encoded)
    assert [tool["name"] for tool in body["tools"]] == ["first"]
    assert [message["role"] for message in body["messages"]] == ["user"]


def test_anthropic_is_told_where_a_tool_goes() -> None:
    (encoded,) = to_model(OPUS, MESSAGES).encode(with_tools_that_go())
    body = msgspec.json.decode(encoded)
    assert [tool["name"] for tool in body["tools"]] == ["first", "gone"]
    assert body["messages"][1]["content"] == [GOES]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_removal", "tool": {"type": "tool_reference", "name": ["first"]}},
        {"type": "tool_removal", "tool": {"type": "mcp_toolset_reference", "server_name": "s"}},
        {"type": "tool_removal"},
        {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": {}}},
    ],
)
def test_what_changes_no_tool_that_there_is_takes_none_away(block: Json) -> None:
    tools: list[Json] = [{"name": "first", "input_schema": {"type": "object"}}]
    given = asked(tools=tools, messages=[HELLO, {"role": "system", "content": [block]}])
    (encoded,) = way("messages", "bedrock").encode(given)
    body = msgspec.json.decode(encoded)
    assert [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]] == ["first"]


def test_a_block_of_no_type_is_refused() -> None:
    odd = {"type": ["tool_removal"], "tool": {"name": "first"}}
    with pytest.raises(Failure) as refused:
        way("messages", "bedrock").encode(
            asked(messages=[HELLO, {"role": "system", "content": [odd]}])
        )
    assert refused.value.param == "messages[1].content[0].type"
