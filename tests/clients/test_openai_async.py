"""The asynchronous half of the official OpenAI SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from support.config import MASTER_KEY
from support.router import RouterProcess

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello there, router!"}]


@pytest.fixture
async def aclient(router: RouterProcess) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=router.base_url, api_key=MASTER_KEY, max_retries=0
    ) as client:
        yield client


async def test_many_chats_at_once_are_answered(aclient: openai.AsyncOpenAI) -> None:
    answers = await asyncio.gather(
        *(
            aclient.chat.completions.create(
                model="echo", messages=[{"role": "user", "content": f"number {number}"}]
            )
            for number in range(50)
        )
    )
    texts = [answer.choices[0].message.content for answer in answers]
    assert texts == [f"number {number}" for number in range(50)]


async def test_a_chat_is_streamed(aclient: openai.AsyncOpenAI) -> None:
    stream = await aclient.chat.completions.create(model="echo", messages=HELLO, stream=True)
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == "Hello there, router!"


async def test_the_stream_helper_accumulates(aclient: openai.AsyncOpenAI) -> None:
    async with aclient.chat.completions.stream(model="echo", messages=HELLO) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].message.content == "Hello there, router!"


async def test_texts_are_embedded_and_models_listed(aclient: openai.AsyncOpenAI) -> None:
    found = await aclient.embeddings.create(model="echo", input="hello")
    assert len(found.data[0].embedding) == 256
    assert "echo" in [model.id async for model in aclient.models.list()]


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("gpt-99", openai.NotFoundError),
        ("limited", openai.RateLimitError),
        ("broken", openai.InternalServerError),
    ],
)
async def test_errors_are_raised_before_a_stream_begins(
    aclient: openai.AsyncOpenAI, model: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await aclient.chat.completions.create(model=model, messages=HELLO, stream=True)


async def test_the_sdks_own_retries_are_spared_what_the_router_has_tried(
    aclient: openai.AsyncOpenAI, router: RouterProcess
) -> None:
    before = await router.metric("airouter_requests_total")
    with pytest.raises(openai.InternalServerError):
        await aclient.with_options(max_retries=5).chat.completions.create(
            model="broken", messages=HELLO
        )
    assert await router.metric("airouter_requests_total") == before + 1
