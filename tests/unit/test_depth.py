"""What is nested too deeply is the client's mistake, at every door and for every provider."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from support.config import MOCK, manifest
from support.in_loop import Served, served
from support.mock_sessions import KEY, dial
from support.ports import free_port

DEPTHS = (450, 950)
"""What decoders bear, and functions that call themselves do not."""
DEEPEST = 10_000
PROVIDERS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("openai", "OpenAI", {}),
    ("chat", "OpenAICompatible", {"api": ["chat"]}),
    ("anthropic", "Anthropic", {}),
    ("gemini", "Gemini", {}),
    ("bedrock", "Bedrock", {"aws": {"region": "us-east-1"}}),
)
MODELS = ("mock", *(name for name, *_ in PROVIDERS))
CLAUDE = "claude-sonnet-4-5"
HOLE = "the hole"
"""Stands where something deep is to be."""
ASKED = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}
HOLED: Any = {"type": "object", "properties": {"a": HOLE}}


def list_(depth: int) -> str:
    return "[" * depth + "]" * depth


def object_(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def schema(depth: int) -> str:
    return '{"type":"object","properties":{"a":' * depth + '{"type":"string"}' + "}}" * depth


def either(depth: int) -> str:
    return '{"anyOf":[' * depth + '{"type":"string"}' + "]}" * depth


def parts(depth: int) -> str:
    return '[{"type":"tool_result","tool_use_id":"t","content":' * depth + '"x"' + "}]" * depth


def quoted(depth: int) -> str:
    """Arguments of a call: JSON in a string."""
    return json.dumps(object_(depth))


SHAPES: tuple[Callable[[int], str], ...] = (list_, object_, schema, either, parts, quoted)


def chats() -> dict[str, Any]:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": HOLE}}
    function = {"name": "f", "strict": True, "parameters": HOLE}
    format_ = {"name": "n", "strict": True, "schema": HOLE}
    return {
        "messages": {"messages": HOLE},
        "content": {"messages": [{"role": "user", "content": HOLE}]},
        "tool": ASKED | {"tools": [{"type": "function", "function": function}]},
        "format": ASKED | {"response_format": {"type": "json_schema", "json_schema": format_}},
        "metadata": ASKED | {"metadata": HOLE},
        "call": {
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c", "content": HOLE},
            ]
        },
    }


def messages() -> dict[str, Any]:
    use = {"type": "tool_use", "id": "t", "name": "f", "input": HOLE}
    result = {"type": "tool_result", "tool_use_id": "t", "content": HOLE}
    return {
        "content": {"max_tokens": 9, "messages": [{"role": "user", "content": HOLE}]},
        "tool": ASKED | {"tools": [{"name": "f", "input_schema": HOLE}]},
        "system": ASKED | {"system": HOLE},
        "format": ASKED | {"output_config": {"format": {"type": "json_schema", "schema": HOLE}}},
        "use": {
            "max_tokens": 9,
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": [use]},
                {"role": "user", "content": [result]},
            ],
        },
    }


def responses() -> dict[str, Any]:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": HOLE}
    output = {"type": "function_call_output", "call_id": "c", "output": HOLE}
    tool = {"type": "function", "name": "f", "strict": True, "parameters": HOLE}
    format_ = {"type": "json_schema", "name": "n", "strict": True, "schema": HOLE}
    return {
        "input": {"input": HOLE},
        "item": {"input": [HOLE]},
        "content": {"input": [{"role": "user", "content": HOLE}]},
        "tool": {"input": "hi", "tools": [tool]},
        "format": {"input": "hi", "text": {"format": format_}},
        "call": {"input": [{"role": "user", "content": "hi"}, call, output]},
        "metadata": {"input": "hi", "metadata": HOLE},
        "choice": {"input": "hi", "tools": [tool], "tool_choice": HOLE},
    }


DOORS: dict[str, Callable[[], dict[str, Any]]] = {
    "/v1/chat/completions": chats,
    "/v1/messages": messages,
    "/v1/messages/count_tokens": messages,
    "/v1/responses": responses,
    "/v1/responses/compact": responses,
    "/v1/responses/input_tokens": responses,
}


@pytest.fixture
async def router() -> AsyncIterator[Served]:
    """A router whose providers answer nothing: what comes up to there was read and written."""
    url = f"http://127.0.0.1:{free_port()}"
    key = {"secretRef": {"name": "keys", "key": "key"}}
    credentials: list[dict[str, Any]] = [MOCK]
    for name, type_, more in PROVIDERS:
        credentials.append({"name": name, "type": type_, "baseURL": url, **key, **more})
    models = [
        {"name": each["name"], "backends": [{"credential": each["name"], "upstreamName": CLAUDE}]}
        for each in credentials
    ]
    config = manifest(
        credentials, models, secrets={"key": "k"}, resilience={"retries": {"attempts": 0}}
    )
    async with served(config) as router:
        yield router


@pytest.mark.parametrize("door", DOORS)
async def test_no_depth_is_a_failure_inside(
    door: str, router: Served, caplog: pytest.LogCaptureFixture
) -> None:
    for (place, holed), shape in itertools.product(DOORS[door]().items(), SHAPES):
        for depth, model in (*itertools.product(DEPTHS, MODELS), (DEEPEST, "anthropic")):
            body = json.dumps({"model": model, **holed}).replace(f'"{HOLE}"', shape(depth))
            answer = await router.client.post(door, content=body)
            what = f"{place}: {shape.__name__} of {depth} for {model}: {answer.text[:300]}"
            assert answer.status_code != 500, what
            if depth == DEEPEST and shape is not quoted:
                assert answer.status_code == 400, what
    assert "Traceback" not in caplog.text


async def test_no_depth_ends_a_session(router: Served) -> None:
    async with dial(router, additional_headers=KEY) as session:
        for holed, shape in itertools.product(responses().values(), SHAPES):
            body = {"type": "response.create", "model": "anthropic", "store": False, **holed}
            await session.send(json.dumps(body).replace(f'"{HOLE}"', shape(DEEPEST)))
            event = json.loads(await session.recv())
            assert event["type"] == "error"
            assert event["status"] in {400, 502}, event
