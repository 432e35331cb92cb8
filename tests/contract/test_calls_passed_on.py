"""Calls that pass through to a client of the provider's own API, and can be answered there.

The providers give two calls one id, and nothing for arguments that are none.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai.lib.streaming.chat import ChunkEvent

from contract.carried import ask, session
from contract.carried import config as sessions_config
from contract.services.openai.responses import ResponsesService
from contract.services.openai.sessions import SessionsService
from contract.services.stand_in import Body, Call, Turn, sse
from contract.test_native_responses import config, sdk_of
from failover.faulty import STREAM_HEAD, Fault, FaultyProvider, http
from support.config import manifest
from support.in_loop import Served, served
from support.sdks import anthropic_sdk, openai_sdk

TWINS = Turn(calls=(Call("now", {}, id="call_1", silent=True), Call("now", {"x": 1}, id="call_1")))
TOOL: Any = {"type": "function", "name": "now", "parameters": {"type": "object"}, "strict": False}
EXPECTED = [("call_1", {}), ("call_1_2", {"x": 1})]
IN_RESPONSES = ["call_1", "call_1_twin2"]


def answers_to(ids: list[str]) -> list[Any]:
    return [{"type": "function_call_output", "call_id": id_, "output": "noon"} for id_ in ids]


def telling(body: Body, *events: bytes) -> tuple[Fault, Fault]:
    """A provider's answer, whole and as a stream."""

    async def whole(writer: Any, _: Any) -> None:
        writer.write(http(200, body))

    async def streamed(writer: Any, _: Any) -> None:
        writer.write(STREAM_HEAD + b"".join(events))
        writer.close()

    return whole, streamed


def going_on(first: bytes, rest: bytes, heard: asyncio.Event) -> Fault:
    """A stream that goes on once its client has heard how it begins."""

    async def streamed(writer: Any, _: Any) -> None:
        writer.write(STREAM_HEAD + first)
        async with asyncio.timeout(60):
            await heard.wait()
        writer.write(rest)
        writer.close()

    return streamed


@contextlib.asynccontextmanager
async def provided(kind: str, *answers: Fault) -> AsyncIterator[Served]:
    """A router with a provider that answers so, one after the other."""
    async with FaultyProvider("p").listening() as provider:
        url = provider.base_url.removesuffix("/v1" if kind == "Anthropic" else "")
        key = {"name": "keys", "key": "upstream"}
        account = {"name": "p", "type": kind, "baseURL": url, "secretRef": key}
        model = {"name": "m", "backends": [{"credential": "p", "upstreamName": "claude-opus-4-8"}]}
        provider.faults.extend(answers)
        async with served(manifest([account], [model], secrets={"upstream": "k"})) as router:
            yield router


def function(arguments: str) -> Body:
    return {"name": "now", "arguments": arguments}


CHAT_CALLS = [
    {"index": at, "id": "call_1", "type": "function", "function": function(arguments)}
    for at, arguments in enumerate(("", '{"x": 1}'))
]
CHUNK: Body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
CHAT = telling(
    {
        **CHUNK,
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": None, "tool_calls": CHAT_CALLS},
                "finish_reason": "tool_calls",
            }
        ],
    },
    *(
        sse({**CHUNK, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})
        for delta, reason in (
            ({"role": "assistant", "content": ""}, None),
            *(({"tool_calls": [each]}, None) for each in CHAT_CALLS),
            ({}, "tool_calls"),
        )
    ),
    b"data: [DONE]\n\n",
)
BLOCKS: list[Body] = [
    {"type": "tool_use", "id": "call_1", "name": "now", "input": given}
    for given in (None, {"x": 1})
]
MESSAGE: Body = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": BLOCKS,
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


def message_events() -> list[bytes]:
    started = MESSAGE | {"content": [], "stop_reason": None}
    events: list[Body] = [{"type": "message_start", "message": started}]
    for index, block in enumerate(BLOCKS):
        given = json.dumps(block["input"]) if block["input"] else ""
        delta = {"type": "input_json_delta", "partial_json": given}
        begun = block if block["input"] is None else block | {"input": {}}
        events += [
            {"type": "content_block_start", "index": index, "content_block": begun},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    stop = {"stop_reason": "tool_use", "stop_sequence": None}
    events.append({"type": "message_delta", "delta": stop, "usage": {"output_tokens": 1}})
    return [sse(each, each["type"]) for each in [*events, {"type": "message_stop"}]]


async def test_a_chat_has_calls_that_can_be_answered() -> None:
    asked: Any = {"model": "m", "messages": [{"role": "user", "content": "When?"}]}
    async with provided("OpenAICompatible", *CHAT) as router:
        url = f"http://127.0.0.1:{router.port}/v1"
        async with openai_sdk(url) as sdk:
            whole = await sdk.chat.completions.create(**asked)
            async with sdk.chat.completions.stream(**asked) as stream:
                seen = [event async for event in stream if isinstance(event, ChunkEvent)]
            streamed = await stream.get_final_completion()
    assert seen
    for answer in (whole, streamed):
        calls: Any = answer.choices[0].message.tool_calls
        assert [(each.id, json.loads(each.function.arguments)) for each in calls] == EXPECTED


async def test_a_message_has_calls_that_can_be_answered() -> None:
    asked: Any = {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "When?"}],
    }
    whole_and_streamed = telling(MESSAGE, *message_events())
    async with provided("Anthropic", *whole_and_streamed) as router:
        url = f"http://127.0.0.1:{router.port}"
        async with anthropic_sdk(url) as sdk:
            whole = await sdk.messages.create(**asked)
            async with sdk.messages.stream(**asked) as stream:
                streamed = await stream.get_final_message()
    for answer in (whole, streamed):
        calls: list[Any] = list(answer.content)
        assert [(each.id, each.input) for each in calls] == EXPECTED


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_response_has_calls_that_can_be_answered_where_its_provider_keeps_it(
    streamed: bool,
) -> None:
    async with (
        ResponsesService().listening() as service,
        served(config(service)) as router,
        sdk_of(router) as sdk,
    ):
        service.turns.append(TWINS)
        asked: Any = {"model": "gpt", "input": "When?", "tools": [TOOL]}
        if streamed:
            async for event in await sdk.responses.create(**asked, stream=True):
                last: Any = event
            made = last.response
        else:
            made = await sdk.responses.create(**asked)
        kept = await sdk.responses.retrieve(made.id)
        for answer in (made, kept):
            calls: list[Any] = list(answer.output)
            assert [each.call_id for each in calls] == IN_RESPONSES
            assert [json.loads(each.arguments) for each in calls] == [{}, {"x": 1}]
        again = await sdk.responses.create(
            model="gpt", input=answers_to(IN_RESPONSES), previous_response_id=made.id
        )
        assert again.output_text == "Well."


@pytest.mark.parametrize("store", [False, True])
async def test_a_session_has_calls_that_can_be_answered(store: bool) -> None:
    async with (
        SessionsService().listening() as service,
        served(sessions_config(service)) as router,
        session(router) as connection,
    ):
        service.turns.append(TWINS)
        made = await ask(connection, tools=[TOOL], store=store)
        calls = made["response"]["output"]
        assert [each["call_id"] for each in calls] == IN_RESPONSES
        assert [json.loads(each["arguments"]) for each in calls] == [{}, {"x": 1}]
        previous = made["response"]["id"]
        given = answers_to(IN_RESPONSES)
        again = await ask(connection, input=given, previous_response_id=previous, store=store)
        assert again["type"] == "response.completed", again
