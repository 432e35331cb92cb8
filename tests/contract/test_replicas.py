"""Several replicas behind one Service: what every turn finds, wherever it lands."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from openai import AsyncOpenAI

from contract.services.anthropic import answers
from contract.services.anthropic.service import AnthropicService, anthropic_service
from contract.services.openai.responses import ResponsesService
from contract.test_native_responses import config, sdk_of
from support.config import mock_manifest
from support.in_loop import Served, served
from support.sdks import openai_sdk

TOOLS: Any = [{"type": "function", "name": "f", "parameters": {"type": "object"}}]


@contextlib.asynccontextmanager
async def two_replicas() -> AsyncIterator[tuple[AnthropicService, list[AsyncOpenAI]]]:
    """Both with the same sealing key, and no store that they share."""
    async with (
        ResponsesService().listening() as openai,
        anthropic_service() as claude,
        served(config(openai, claude=claude)) as one,
        served(config(openai, claude=claude)) as two,
        sdk_of(one) as first,
        sdk_of(two) as second,
    ):
        yield claude, [first, second]


async def test_reasoning_and_compaction_open_wherever_the_next_turn_lands() -> None:
    async with two_replicas() as (claude, replicas):
        items: list[Any] = [{"role": "user", "content": "Hi"}]
        for turn in range(6):
            blocks = (answers.thinking(f"Thought {turn}."), answers.tool_use("f"))
            claude.turns.append(answers.Turn(blocks))
            response = await replicas[turn % 2].responses.create(
                model="claude",
                input=items,
                tools=TOOLS,
                store=False,
                reasoning={"effort": "low"},
                include=["reasoning.encrypted_content"],
            )
            items += [item.to_dict(exclude_none=True) for item in response.output]
            call: Any = response.output[-1]
            items.append(
                {"type": "function_call_output", "call_id": call.call_id, "output": "fine"}
            )
        assert all(f"Thought {turn}." in str(claude.asked[-1].body) for turn in range(5))
        claude.turns.append(answers.Turn((answers.text("They counted thoughts."),)))
        compacted = await replicas[0].responses.compact(model="claude", input=items)
        rest: list[Any] = [item.to_dict(warnings=False) for item in compacted.output]
        await replicas[1].responses.create(
            model="claude", input=[*rest, {"role": "user", "content": "Go on"}], store=False
        )
        assert "They counted thoughts." in str(claude.asked[-1].body)


async def test_reasoning_stays_where_another_item_is_referred_to() -> None:
    async with two_replicas() as (claude, (sdk, _)):
        claude.turns.append(answers.Turn((answers.text("Hello."),)))
        hello = await sdk.responses.create(model="claude", input="Hi")
        claude.turns.append(
            answers.Turn((answers.thinking("A deep thought."), answers.tool_use("f")))
        )
        items: list[Any] = [
            {"role": "user", "content": "Hi"},
            {"type": "item_reference", "id": hello.output[0].id},
            {"role": "user", "content": "Think"},
        ]
        effort: Any = {"effort": "low"}
        thought = await sdk.responses.create(
            model="claude", input=items, tools=TOOLS, reasoning=effort
        )
        items += [item.to_dict(exclude_none=True) for item in thought.output]
        call: Any = thought.output[-1]
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": "x"})
        await sdk.responses.create(model="claude", input=items, tools=TOOLS, reasoning=effort)
        asked = str(claude.asked[-1].body)
    assert "Hello." in asked
    assert "A deep thought." in asked


class Service:
    """A port that leads to whichever replica is ready, as a Kubernetes Service does."""

    def __init__(self) -> None:
        self.target = 0

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(pumped(reader, back), pumped(there, writer))


async def pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def test_the_sdk_goes_on_with_the_next_pod_when_its_own_drains() -> None:
    text = mock_manifest("m")
    service = Service()
    async with served(text) as old, served(text) as new:
        service.target = old.port
        server = await asyncio.start_server(service.accept, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        codes: list[int] = []
        async with (
            server,
            openai_sdk(url) as sdk,
            sdk.responses.connect(
                on_reconnecting=lambda event: codes.append(event.close_code),
                initial_delay=0.01,
            ) as connection,
        ):
            await ask(connection)
            await until_completed(connection)
            service.target = new.port
            listening = asyncio.create_task(until_completed(connection))
            drain(old)
            async with asyncio.timeout(60):
                while not new.router.sessions.open:
                    await asyncio.sleep(0.01)
                await ask(connection)
                await listening
    assert codes == [1012]


def drain(router: Served) -> None:
    assert router.router.server is not None
    router.router.server.should_exit = True


async def ask(connection: Any) -> None:
    await connection.response.create(model="m", input="Hi", store=False)


async def until_completed(connection: Any) -> None:
    async for event in connection:
        assert event.type != "error"
        if event.type == "response.completed":
            return
