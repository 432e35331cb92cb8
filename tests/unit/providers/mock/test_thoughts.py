"""What a mock thinks, as each API tells it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from anthropic.types import MessageParam
from openai import AsyncOpenAI

from airouter.providers.mock.answers import REASONING
from support.config import mock_manifest
from support.in_loop import served
from support.sdks import anthropic_sdk, openai_sdk

MODEL = "m"
SCRIPT = 'reasoning:Where is that?\ntool:get_weather {"city": "Paris"}'
THOUGHT = "Where is that?"
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}}


@contextlib.asynccontextmanager
async def clients(**mock: Any) -> AsyncIterator[tuple[AsyncOpenAI, AsyncAnthropic]]:
    async with served(mock_manifest(MODEL, **mock)) as router:
        root = f"http://127.0.0.1:{router.port}"
        async with (
            openai_sdk(f"{root}/v1") as openai,
            anthropic_sdk(root) as anthropic,
        ):
            yield openai, anthropic


@pytest.mark.parametrize("streamed", [False, True])
async def test_responses_have_an_item_with_a_summary_before_the_call(streamed: bool) -> None:
    tool = {"type": "function", "name": "get_weather", "parameters": WEATHER, "strict": False}
    asked: Any = {"model": MODEL, "input": "Weather?", "tools": [tool]}
    async with clients(reply=SCRIPT) as (client, _):
        if streamed:
            async with client.responses.stream(**asked) as stream:
                deltas = [
                    event.delta
                    async for event in stream
                    if event.type == "response.reasoning_summary_text.delta"
                ]
                response: Any = await stream.get_final_response()
            assert "".join(deltas) == THOUGHT
            assert len(deltas) == 3
        else:
            response = await client.responses.create(**asked)
        thought, call = response.output
        assert [part.text for part in thought.summary] == [THOUGHT]
        assert (call.type, call.name) == ("function_call", "get_weather")
        assert response.usage.output_tokens_details.reasoning_tokens == 3
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny."}
        given = [thought.to_dict(), call.to_dict(), result]
        following = await client.responses.create(
            model=MODEL, input=[{"role": "user", "content": "Weather?"}, *given]
        )
    assert following.output_text == "Sunny."


@pytest.mark.parametrize("streamed", [False, True])
async def test_messages_have_a_thinking_block_before_the_call(streamed: bool) -> None:
    said: list[MessageParam] = [{"role": "user", "content": "Weather?"}]
    asked: Any = {
        "model": MODEL,
        "max_tokens": 2_000,
        "tools": [{"name": "get_weather", "input_schema": WEATHER}],
    }
    async with clients(reply=SCRIPT) as (_, client):
        if streamed:
            async with client.messages.stream(**asked, messages=said) as stream:
                message = await stream.get_final_message()
        else:
            message = await client.messages.create(**asked, messages=said)
        thought, call = message.content
        assert thought.type == "thinking"
        assert thought.thinking == THOUGHT
        assert call.type == "tool_use"
        result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": "Sunny."}
        said += [
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": [result]},
        ]
        following: Any = await client.messages.create(**asked, messages=said)
    assert following.content[-1].text == "Sunny."


async def test_chats_have_it_beside_the_content() -> None:
    async with clients() as (client, _):
        chat = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "Hi"}], reasoning_effort="low"
        )
    message = chat.choices[0].message.to_dict()
    assert (message["reasoning_content"], message["content"]) == (REASONING, "Hi")


async def test_each_api_has_a_word_that_asks_for_it() -> None:
    async with clients() as (openai, anthropic):
        response = await openai.responses.create(
            model=MODEL, input="Hi", reasoning={"effort": "low"}
        )
        unasked = await openai.responses.create(
            model=MODEL, input="Hi", reasoning={"effort": "none"}
        )
        message = await anthropic.messages.create(
            model=MODEL,
            max_tokens=2_000,
            thinking={"type": "enabled", "budget_tokens": 1_024},
            messages=[{"role": "user", "content": "Hi"}],
        )
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert [item.type for item in unasked.output] == ["message"]
    assert [block.type for block in message.content] == ["thinking", "text"]
