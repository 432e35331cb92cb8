"""Responses of a server that does not number its events, read by OpenAI's SDK."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from openai import AsyncOpenAI

from contract.carried import events, say, session
from failover.faulty import STREAM_HEAD, FaultyProvider
from support.config import MASTER_KEY, manifest
from support.in_loop import served
from unit.dialects.responses.test_places import OF_LLAMA_CPP


async def answered(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
    writer.write(STREAM_HEAD + b"".join(OF_LLAMA_CPP))
    writer.close()


def config(provider: FaultyProvider) -> str:
    account = {
        "name": "p",
        "type": "OpenAICompatible",
        "baseURL": provider.base_url,
        "api": ["responses"],
    }
    model = {"name": "gpt", "backends": [{"credential": "p"}]}
    return manifest([account], [model], secrets={})


async def test_the_sdk_puts_a_stream_together_that_tells_no_places() -> None:
    async with FaultyProvider("p").listening() as provider, served(config(provider)) as router:
        provider.always = answered
        url = f"http://127.0.0.1:{router.port}/v1"
        async with (
            AsyncOpenAI(base_url=url, api_key=MASTER_KEY, max_retries=0) as sdk,
            asyncio.timeout(60),
            sdk.responses.stream(model="gpt", input="Hi") as stream,
        ):
            found: list[Any] = [event async for event in stream]
            final = await stream.get_final_response()
    assert [each.snapshot for each in found if each.type == "response.output_text.delta"] == [
        "Well",
        "Well.",
    ]
    assert [item.type for item in final.output] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]


async def test_a_session_hears_the_places_that_its_provider_does_not_tell() -> None:
    async with (
        FaultyProvider("p").listening() as provider,
        served(config(provider)) as router,
        session(router) as connection,
    ):
        provider.always = answered
        await say(connection)
        found = await events(connection)
    assert [each["sequence_number"] for each in found] == list(range(len(found))), json.dumps(found)
