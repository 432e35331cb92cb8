"""What clients of Anthropic's own service say to it, on the way to other clouds."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.config.snapshot import Parameters
from airouter.dialects.client_request import ClientRequest, Edits
from airouter.dialects.conversation import Destination, Json
from airouter.dialects.messages.upstream import MESSAGES, ON_VERTEX
from airouter.dialects.translation.base import Translation
from airouter.dialects.translation.choice import translation_for
from airouter.dialects.translation.client_apis import ServedModel
from airouter.dialects.upstream_api import UpstreamApi
from airouter.providers.vertex import CLAUDE_ENVELOPE
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
    destination = Destination(model=SONNET, maker=SONNET)
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


def test_a_thought_that_claude_signed_passes_as_it_is() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    answer = {"role": "assistant", "content": [thought, {"type": "text", "text": "four", "x": 1}]}
    (body,) = to_claude(MESSAGES).encode(asked(messages=[HELLO, answer, HELLO]))
    assert msgspec.json.decode(body)["messages"][1] == answer


def test_a_tool_that_takes_thinking_is_no_thought() -> None:
    schema = {"type": "object", "properties": {"thinking": {}}, "required": ["thinking"]}
    tools = [{"name": "f", "input_schema": schema, "unknown": 1}]
    (body,) = to_claude(MESSAGES).encode(asked(tools=tools, later_field=1))
    assert msgspec.json.decode(body)["later_field"] == 1
