"""An agents' framework as a client: its loop of tools, over HTTP and over the WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from agents import Agent, ModelSettings, RunConfig, Runner, function_tool
from agents.models.openai_provider import OpenAIProvider
from openai import AsyncOpenAI
from openai.types.shared import Reasoning

from contract.matrix.features import UPSTREAMS
from contract.matrix.world import World, in_words_of, model_of, world
from contract.services.stand_in import Call, Turn
from support.config import MASTER_KEY

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything() -> AsyncIterator[World]:
    async with world() as found:
        yield found


@function_tool
def weather(place: str) -> str:
    """Tells the weather."""
    return f"sunny in {place}"


def settings_of(upstream: str) -> ModelSettings:
    """Whoever can is asked to reason, and nothing is stored."""
    include: Any = ["reasoning.encrypted_content"]
    if upstream == "OpenAI":
        return ModelSettings(store=False)
    reasoning = Reasoning(effort="low", summary="auto")
    return ModelSettings(store=False, reasoning=reasoning, response_include=include)


@pytest.mark.parametrize("socket", [False, True], ids=["HTTP", "WebSocket"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_an_agent_calls_its_tool_and_answers(
    everything: World, upstream: str, streamed: bool, socket: bool
) -> None:
    thinks = upstream != "OpenAI"
    call = Call("weather", {"place": "Rome"})
    everything.script(upstream, Turn(thinking="Look." if thinks else None, calls=(call,)))
    service = everything.services[upstream]
    service.turns.append(in_words_of(upstream, Turn(calls=(call, call))))
    service.turns.append(in_words_of(upstream, Turn(text="It is sunny.")))
    agent = Agent(
        name="Weather",
        instructions="Use the tool.",
        tools=[weather],
        model=model_of(upstream),
        model_settings=settings_of(upstream),
    )
    url = f"http://127.0.0.1:{everything.router.port}/v1"
    client = AsyncOpenAI(api_key=MASTER_KEY, base_url=url, max_retries=0)
    provider = OpenAIProvider(
        openai_client=client, use_responses=True, use_responses_websocket=socket
    )
    config = RunConfig(model_provider=provider, tracing_disabled=True)
    try:
        if streamed:
            running = Runner.run_streamed(agent, "How is it in Rome?", run_config=config)
            async for _ in running.stream_events():
                pass
            answer = running.final_output
        else:
            answer = (await Runner.run(agent, "How is it in Rome?", run_config=config)).final_output
    finally:
        await provider.aclose()
        await client.close()
    assert answer == "It is sunny."
    assert not service.refused
