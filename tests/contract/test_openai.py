"""The router in front of a strict OpenAI: what it sends is accepted, what comes back is true."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel

from contract.services.openai.answers import Turn
from contract.services.openai.refusals import quota_used_up, rate_limited, server_error
from contract.services.openai.service import KEY, Cut, OpenAIService
from support.config import MASTER_KEY
from support.in_loop import Served

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello, json!"}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
EVERYTHING: dict[str, Any] = {
    "messages": [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "name": "ann",
            "content": [
                {"type": "text", "text": "What is this?"},
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/png;base64,AA", "detail": "low"},
                },
                {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
                {"type": "file", "file": {"file_id": "file-1"}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Grüße 🙂"},
    ],
    "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
    "temperature": 0.10,
    "top_p": 1,
    "frequency_penalty": -0.5,
    "presence_penalty": 0.5,
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "top_logprobs": 2,
    "max_completion_tokens": 100,
    "n": 1,
    "stop": ["END"],
    "seed": 9_007_199_254_740_993,
    "user": "ann",
    "metadata": {"ticket": "7"},
    "store": False,
    "service_tier": "auto",
    "reasoning_effort": "low",
    "verbosity": "low",
    "modalities": ["text"],
    "prediction": {"type": "content", "content": "x"},
    "prompt_cache_key": "k",
    "safety_identifier": "s",
}


class Recipe(BaseModel):
    title: str
    steps: list[str]


async def test_every_field_of_a_chat_arrives_as_it_was_sent(
    router: Served, service: OpenAIService
) -> None:
    response = await router.client.post("/v1/chat/completions", json={"model": "gpt", **EVERYTHING})
    assert response.status_code == 200
    (asked,) = service.journal
    assert asked.body == {"model": "gpt-4o-2024-11-20", **EVERYTHING}


async def test_the_services_key_is_sent_and_the_clients_is_not(
    client: openai.AsyncOpenAI, service: OpenAIService
) -> None:
    await client.chat.completions.create(model="gpt", messages=HELLO)
    (asked,) = service.journal
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert MASTER_KEY not in str(asked.headers)


async def test_a_conversation_with_tools_is_accepted(
    client: openai.AsyncOpenAI, service: OpenAIService
) -> None:
    service.turns.append(Turn(calls=(("look", '{"at": "1"}'), ("look", '{"at": "2"}'))))
    tool: Any = EVERYTHING["tools"][0]
    first = await client.chat.completions.create(model="gpt", messages=HELLO, tools=[tool])
    calls = first.choices[0].message.tool_calls or []
    messages: Any = [
        *HELLO,
        first.choices[0].message.to_dict(),
        *({"role": "tool", "tool_call_id": call.id, "content": "seen"} for call in calls),
    ]
    second = await client.chat.completions.create(model="gpt", messages=messages, tools=[tool])
    assert len(calls) == 2
    assert second.choices[0].message.content == Turn().text


async def test_structured_output_is_accepted_and_parsed(
    client: openai.AsyncOpenAI, service: OpenAIService
) -> None:
    service.turns.append(Turn('{"title": "Tea", "steps": ["boil"]}'))
    answer = await client.chat.completions.parse(
        model="gpt", messages=HELLO, response_format=Recipe
    )
    assert answer.choices[0].message.parsed == Recipe(title="Tea", steps=["boil"])


@pytest.mark.parametrize("piece", [None, 1, 7])
async def test_a_stream_arrives_however_it_is_cut(
    client: openai.AsyncOpenAI, service: OpenAIService, piece: int | None
) -> None:
    service.piece = piece
    stream = await client.chat.completions.create(model="gpt", messages=HELLO, stream=True)
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == Turn().text
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("piece", [None, 1])
async def test_streamed_tool_calls_arrive_whole(
    client: openai.AsyncOpenAI, service: OpenAIService, piece: int | None
) -> None:
    service.piece = piece
    service.turns.append(Turn(calls=(("look", '{"at": "the moon 🙂"}'), ("wait", "{}"))))
    async with client.chat.completions.stream(model="gpt", messages=HELLO) as stream:
        final = await stream.get_final_completion()
    first, second = final.choices[0].message.tool_calls or []
    assert json.loads(first.function.arguments) == {"at": "the moon 🙂"}
    assert second.function.name == "wait"


@pytest.mark.parametrize("asked_for", [True, False])
async def test_usage_is_always_asked_for_and_shown_only_to_who_wants_it(
    client: openai.AsyncOpenAI, service: OpenAIService, *, asked_for: bool
) -> None:
    stream = await client.chat.completions.create(
        model="gpt",
        messages=HELLO,
        stream=True,
        stream_options={"include_usage": asked_for, "include_obfuscation": False},
    )
    chunks = [chunk async for chunk in stream]
    options = service.journal[0].body["stream_options"]
    assert options == {"include_usage": True, "include_obfuscation": False}
    assert [chunk.usage is not None for chunk in chunks if not chunk.choices] == [True] * asked_for


async def test_a_legacy_completion_is_answered_and_streamed(client: openai.AsyncOpenAI) -> None:
    whole = await client.completions.create(model="instruct", prompt="Once")
    stream = await client.completions.create(model="instruct", prompt="Once", stream=True)
    assert "".join([chunk.choices[0].text async for chunk in stream]) == whole.choices[0].text


async def test_texts_and_tokens_are_embedded(
    client: openai.AsyncOpenAI, service: OpenAIService
) -> None:
    for given in ("a", ["a", "b"], [1, 2], [[1], [2]]):
        found = await client.embeddings.create(model="embedding", input=given, dimensions=8)
        assert found.data[0].embedding == [1.0, *[0.0] * 7]
    assert {asked.body["encoding_format"] for asked in service.journal} == {"base64"}


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"temperature": 3}, "temperature", "decimal_above_max_value"),
        ({"messages": []}, "messages", "empty_array"),
        ({"messages": [{"role": "assistant", "tool_calls": [CALL]}]}, "messages.[1].role", None),
        ({"extra_body": {"top_k": 5}}, None, None),
    ],
)
async def test_a_refusal_reaches_the_client_in_the_services_words(
    client: openai.AsyncOpenAI,
    service: OpenAIService,
    fields: dict[str, Any],
    param: str | None,
    code: str | None,
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(**{"model": "gpt", "messages": HELLO, **fields})
    assert (caught.value.param, caught.value.code) == (param, code)
    assert service.note_refusal().message in str(caught.value)
    assert len(service.journal) == 1


async def test_a_model_that_the_service_lacks_is_not_found(
    client: openai.AsyncOpenAI, service: OpenAIService
) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        await client.chat.completions.create(model="gone", messages=HELLO)
    assert caught.value.code == service.note_refusal().code == "model_not_found"


async def test_a_key_that_the_service_refuses_is_no_fault_of_the_clients(
    client: openai.AsyncOpenAI, service: OpenAIService
) -> None:
    service.key = "sk-rotated"
    with pytest.raises(openai.InternalServerError) as caught:
        await client.chat.completions.create(model="gpt", messages=HELLO)
    assert service.note_refusal().code == "invalid_api_key"
    assert KEY[:8] not in f"{caught.value} {caught.value.response.headers}"


async def test_a_short_rate_limit_is_waited_for(
    client: openai.AsyncOpenAI, service: OpenAIService
) -> None:
    service.refusals.append(rate_limited("gpt-4o", 0.02))
    answer = await client.chat.completions.create(model="gpt", messages=HELLO)
    assert answer.choices[0].message.content == Turn().text
    assert len(service.journal) == 2


async def test_a_long_rate_limit_is_the_clients_to_wait_for(
    client: openai.AsyncOpenAI, service: OpenAIService
) -> None:
    service.refusals.append(rate_limited("gpt-4o", 20))
    with pytest.raises(openai.RateLimitError) as caught:
        await client.chat.completions.create(model="gpt", messages=HELLO)
    assert (caught.value.code, caught.value.type) == ("rate_limit_exceeded", "requests")
    assert caught.value.response.headers["retry-after"] == "20"
    assert len(service.journal) == 1


async def test_a_used_up_quota_keeps_its_code(
    client: openai.AsyncOpenAI, service: OpenAIService
) -> None:
    service.refusals.extend([quota_used_up(), quota_used_up()])
    with pytest.raises(openai.RateLimitError) as caught:
        await client.chat.completions.create(model="gpt", messages=HELLO)
    assert caught.value.code == "insufficient_quota"


async def test_a_server_error_is_tried_again(
    client: openai.AsyncOpenAI, service: OpenAIService
) -> None:
    service.refusals.append(server_error())
    assert (await client.chat.completions.create(model="gpt", messages=HELLO)).usage is not None


async def test_a_stream_that_breaks_is_an_error_to_the_sdk(
    client: openai.AsyncOpenAI, service: OpenAIService
) -> None:
    service.cuts.append(Cut.RESET)
    stream = await client.chat.completions.create(model="gpt", messages=HELLO, stream=True)
    with pytest.raises(openai.APIError):
        async for _ in stream:
            pass
    assert len(service.journal) == 1


async def test_a_client_that_leaves_a_stalled_stream_takes_the_upstream_call_with_it(
    client: openai.AsyncOpenAI, service: OpenAIService
) -> None:
    service.cuts.append(Cut.STALL)
    stream = await client.chat.completions.create(model="gpt", messages=HELLO, stream=True)
    await anext(aiter(stream))
    await stream.close()
    async with asyncio.timeout(60):
        await service.left.wait()
