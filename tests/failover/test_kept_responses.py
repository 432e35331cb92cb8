"""Responses of a provider that keeps them, and what becomes of them where a fallback answered."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from failover.faulty import FaultyProvider, http, refusing
from support.config import MASTER_KEY, manifest
from support.in_loop import served

STREAMED = pytest.mark.parametrize("streamed", [False, True])
NATIVE: dict[str, Any] = {
    "id": "resp_native",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "m",
    "previous_response_id": None,
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Native.", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}


async def native(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
    writer.write(http(200, NATIVE))


def config(first: FaultyProvider, second: FaultyProvider) -> str:
    """A model whose provider keeps responses, and a fallback whose provider knows chats alone."""
    key = {"secretRef": {"name": "keys", "key": "upstream"}}
    credentials = [
        {"name": each.name, "type": "OpenAICompatible", "baseURL": each.base_url, **key}
        for each in (first, second)
    ]
    credentials[0]["api"] = ["responses"]
    models = [
        {"name": "m", "backends": [{"credential": first.name}], "fallbacks": ["other"]},
        {"name": "other", "backends": [{"credential": second.name}]},
    ]
    return manifest(credentials, models, secrets={"upstream": "k"})


@contextlib.asynccontextmanager
async def stage() -> AsyncIterator[tuple[AsyncOpenAI, FaultyProvider, FaultyProvider]]:
    async with (
        FaultyProvider("first").listening() as first,
        FaultyProvider("second").listening() as second,
        served(config(first, second)) as router,
        AsyncOpenAI(
            api_key=MASTER_KEY, base_url=f"http://127.0.0.1:{router.port}/v1", max_retries=0
        ) as sdk,
    ):
        yield sdk, first, second


async def asked(sdk: AsyncOpenAI, *, streamed: bool = False, **fields: Any) -> Any:
    """Return the response."""
    if not streamed:
        return await sdk.responses.create(model="m", **fields)
    async with sdk.responses.stream(model="m", **fields) as stream:
        return await stream.get_final_response()


@STREAMED
async def test_a_conversation_goes_on_after_a_response_of_the_fallback(*, streamed: bool) -> None:
    async with stage() as (sdk, first, second):
        first.faults.append(refusing(400, "context_length_exceeded"))
        begun = await asked(sdk, input="One.", streamed=streamed)
        assert begun.output_text == "second"
        first.always = native
        later = await asked(sdk, input="Two.", previous_response_id=begun.id)
        assert (later.output_text, later.previous_response_id) == ("Native.", begun.id)
        told = str(first.said["input"])
        assert [word in told for word in ("One.", "second", "Two.")] == [True] * 3
        assert "previous_response_id" not in first.said
        assert second.asked == 1


async def test_a_response_of_the_fallback_is_found_and_forgotten() -> None:
    async with stage() as (sdk, first, _):
        first.always = refusing(503)
        begun = await asked(sdk, input="One.")
        assert (await sdk.responses.retrieve(begun.id)).output_text == "second"
        later = await asked(sdk, input="Two.", previous_response_id=begun.id)
        assert later.output_text == "second"
        await sdk.responses.delete(begun.id)
        with pytest.raises(openai.NotFoundError):
            await sdk.responses.retrieve(begun.id)


async def test_what_its_provider_keeps_is_not_kept_here_as_well() -> None:
    async with stage() as (sdk, first, _):
        first.always = native
        begun = await asked(sdk, input="One.")
        later = await asked(sdk, input="Two.", previous_response_id=begun.id)
        assert later.output_text == "Native."
        assert first.said["previous_response_id"] == "resp_native"
        assert "One." not in str(first.said["input"])
