"""All that the OpenAI SDK for Python does with responses, with every provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from contract.matrix.features import GEMINIS, UPSTREAMS
from contract.matrix.world import World, in_words_of, model_of, world
from contract.services.stand_in import Call, Turn
from support.config import MASTER_KEY
from support.sdks import openai_sdk

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.parametrize("upstream", UPSTREAMS),
]


class Colour(BaseModel):
    colour: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything() -> AsyncIterator[World]:
    async with world() as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sdk(everything: World) -> AsyncIterator[AsyncOpenAI]:
    url = f"http://127.0.0.1:{everything.router.port}/v1"
    async with openai_sdk(url) as client:
        yield client


async def test_create_stream_and_parse(everything: World, sdk: AsyncOpenAI, upstream: str) -> None:
    model = model_of(upstream)
    everything.script(upstream, Turn(text="Well said."))
    whole = await sdk.responses.create(model=model, input="Hi", instructions="Be brief.")
    assert whole.output_text == "Well said."
    assert whole.instructions == "Be brief."
    everything.script(upstream, Turn(text="Well said."))
    async with sdk.responses.stream(model=model, input="Hi") as stream:
        text = "".join(
            [event.delta async for event in stream if event.type == "response.output_text.delta"]
        )
        final = await stream.get_final_response()
    assert text == final.output_text == "Well said."
    everything.script(upstream, Turn(text='{"colour": "red"}'))
    parsed = await sdk.responses.parse(model=model, input="Which?", text_format=Colour)
    assert parsed.output_parsed == Colour(colour="red")


async def test_reasoning_survives_three_turns_that_nobody_stores(
    everything: World, sdk: AsyncOpenAI, upstream: str
) -> None:
    if upstream == "OpenAI":
        return  # the model of the stand-in does not reason
    model = model_of(upstream)
    tools: Any = [{"type": "function", "name": "f", "parameters": {"type": "object"}}]
    items: list[Any] = [{"role": "user", "content": "Hi"}]
    turns = (
        Turn(thinking="First.", calls=(Call("f", {}),)),
        Turn(thinking="Second.", calls=(Call("f", {}),)),
        Turn(text="Done."),
    )
    for turn in turns:
        everything.script(upstream, turn)
        response = await sdk.responses.create(
            model=model,
            input=items,
            tools=tools,
            store=False,
            reasoning={"effort": "low", "summary": "auto"},
            include=["reasoning.encrypted_content"],
        )
        sealed = [
            item.encrypted_content or "" for item in response.output if item.type == "reasoning"
        ]
        assert any(sealed) == bool(turn.calls)
        assert "__airouter1_" not in "".join(sealed)
        for item in response.output:
            items.append(item.to_dict(exclude_none=True))
            if item.type == "function_call":
                output = {"type": "function_call_output", "call_id": item.call_id, "output": "x"}
                items.append(output)
    assert response.output_text == "Done."
    asked = str(everything.asked(upstream))
    if upstream in GEMINIS:  # wants its signatures back, not its thoughts
        assert asked.count("thoughtSignature") == 2
    else:
        assert asked.count("First.") == asked.count("Second.") == 1


async def test_what_is_kept_is_listed_followed_cancelled_and_deleted(
    everything: World, sdk: AsyncOpenAI, upstream: str
) -> None:
    model = model_of(upstream)
    everything.script(upstream, Turn(text="One."))
    made = await sdk.responses.create(model=model, input="Hi")
    assert (await sdk.responses.retrieve(made.id)).to_dict() == made.to_dict()
    items = await sdk.responses.input_items.list(made.id)
    assert [item.type for item in items.data] == ["message"]
    everything.script(upstream, Turn(text="Two."))
    later = await sdk.responses.create(model=model, input="Go on", previous_response_id=made.id)
    assert "One." in str(everything.asked(upstream))
    assert later.output_text == "Two."
    await sdk.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        await sdk.responses.retrieve(made.id)
    everything.script(upstream, Turn(text="Three."))
    running = await sdk.responses.create(model=model, input="Hi", background=True)
    ended = await sdk.responses.cancel(running.id)
    assert ended.status in ("cancelled", "completed")
    everything.script(upstream, Turn(text="Four."))
    running = await sdk.responses.create(model=model, input="Hi", background=True)
    events = [event async for event in await sdk.responses.retrieve(running.id, stream=True)]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].type == "response.completed"


async def test_tokens_are_counted(everything: World, sdk: AsyncOpenAI, upstream: str) -> None:
    if upstream == "Bedrock":
        everything.services[upstream].turns.clear()
    count = await sdk.responses.input_tokens.count(model=model_of(upstream), input="Hi there")
    assert count.object == "response.input_tokens"
    assert count.input_tokens > 0


async def test_the_synchronous_sdk_has_a_session(everything: World, upstream: str) -> None:
    url = f"http://127.0.0.1:{everything.router.port}/v1"

    def converse() -> list[str]:
        said = []
        with (
            OpenAI(base_url=url, api_key=MASTER_KEY, max_retries=0) as client,
            client.responses.connect() as connection,
        ):
            previous = None
            for _ in range(3):
                connection.response.create(
                    model=model_of(upstream), input="Hi", store=False, previous_response_id=previous
                )
                for event in connection:
                    assert event.type != "error", event
                    if event.type == "response.completed":
                        previous = event.response.id
                        said.append(event.response.output_text)
                        break
        return said

    everything.script(upstream, Turn(text="One."))
    everything.services[upstream].turns.append(in_words_of(upstream, Turn(text="Two.")))
    everything.services[upstream].turns.append(in_words_of(upstream, Turn(text="Three.")))
    assert await asyncio.to_thread(converse) == ["One.", "Two.", "Three."]
