"""One conversation of twelve turns, with every provider, over every transport.

Tools, parallel tools, an image, a file, reasoning that survives turns, and a compaction in the
middle: the client keeps all items itself and nothing is stored. What is left at the end is the same
everywhere, and no provider refused anything on the way.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from openai import AsyncOpenAI
from openai.types.responses import Response

from contract.matrix.features import PNG, UPSTREAMS
from contract.matrix.world import World, model_of, world
from contract.services.stand_in import Body, Call, Turn
from support.sdks import openai_sdk

pytestmark = pytest.mark.asyncio(loop_scope="module")

Ask = Callable[[Body], Awaitable[Response]]

TOOLS: list[Body] = [
    {
        "type": "function",
        "name": name,
        "description": f"Tells the {name}.",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string"}},
            "required": ["place"],
            "additionalProperties": False,
        },
        "strict": True,
    }
    for name in ("weather", "time")
]
WEATHER = Call("weather", {"place": "Rome"})
TIME = Call("time", {"place": "Rome"})
IMAGE = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}


def said(text: str, *parts: Body) -> Body:
    """What the user says."""
    return {
        "type": "message",
        "role": "user",
        "content": [*parts, {"type": "input_text", "text": text}],
    }


SCRIPT: list[tuple[Body | None, Turn]] = [
    (said("Hello."), Turn(text="Hello!")),
    (said("What is this?", IMAGE), Turn(thinking="A picture.", text="A dot.")),
    (said("How is the weather?"), Turn(thinking="I must look.", calls=(WEATHER,))),
    (None, Turn(text="It is sunny.")),
    (said("Weather and time?"), Turn(thinking="Both.", calls=(WEATHER, TIME))),
    (None, Turn(thinking="Good.", text="Sunny at noon.")),
    ({"type": "compaction_trigger"}, Turn(text="They spoke of Rome.")),
    (said("Where were we?"), Turn(text="In Rome.")),
    (said("The time again?"), Turn(thinking="Again.", calls=(TIME,))),
    (None, Turn(text="Noon.")),
    (said("And now?"), Turn(thinking="Still.", text="Noon, still.")),
    (said("Thank you."), Turn(text="You are welcome.")),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything() -> AsyncIterator[World]:
    async with world() as found:
        yield found


def shape_of(items: list[Body]) -> list[Any]:
    """Items without what is a provider's own: ids, reasoning, what is sealed."""
    found: list[Any] = []
    for item in items:
        match item.get("type"):
            case "message":
                content = item["content"]
                found.append((item["role"], [part.get("text", part["type"]) for part in content]))
            case "function_call":
                found.append((item["name"], json.loads(item["arguments"])))
            case "function_call_output":
                found.append(item["output"])
            case "reasoning":
                pass
            case kind:
                found.append(kind)
    return found


async def converse(ask: Ask, everything: World, upstream: str) -> list[Body]:
    """All turns; the items that are left."""
    thinks = upstream != "OpenAI"
    items: list[Body] = []
    for given, turn in SCRIPT:
        answer = turn if thinks else Turn(text=turn.text, calls=turn.calls)
        everything.script(upstream, answer)
        if given is not None:
            items.append(given)
        body: Body = {"model": model_of(upstream), "input": items, "tools": TOOLS, "store": False}
        if thinks:
            body["reasoning"] = {"effort": "low", "summary": "auto"}
            body["include"] = ["reasoning.encrypted_content"]
        response = await ask(body)
        assert response.status == "completed"
        output: list[Body] = [item.to_dict() for item in response.output]
        if given is not None and given["type"] == "compaction_trigger":
            (compaction,) = output
            assert compaction["type"] == "compaction"
            items = output
            continue
        items += output
        calls = [item for item in output if item["type"] == "function_call"]
        items += [
            {"type": "function_call_output", "call_id": call["call_id"], "output": "fine"}
            for call in calls
        ]
        assert len(calls) == len(turn.calls)
        if thinks and turn.thinking:
            assert any(item["type"] == "reasoning" for item in output)
    return items


EXPECTED = [
    "compaction",
    ("user", ["Where were we?"]),
    ("assistant", ["In Rome."]),
    ("user", ["The time again?"]),
    ("time", {"place": "Rome"}),
    "fine",
    ("assistant", ["Noon."]),
    ("user", ["And now?"]),
    ("assistant", ["Noon, still."]),
    ("user", ["Thank you."]),
    ("assistant", ["You are welcome."]),
]


@pytest.mark.parametrize("transport", ["JSON", "SSE", "WebSocket"])
@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_twelve_turns_end_the_same_everywhere(
    everything: World, upstream: str, transport: str
) -> None:
    url = f"http://127.0.0.1:{everything.router.port}/v1"
    async with openai_sdk(url) as sdk:
        if transport == "WebSocket":
            async with sdk.responses.connect() as connection:
                items = await converse(over(connection), everything, upstream)
        else:
            ask = streamed(sdk) if transport == "SSE" else whole(sdk)
            items = await converse(ask, everything, upstream)
    assert shape_of(items) == EXPECTED


def whole(sdk: AsyncOpenAI) -> Ask:
    async def ask(body: Body) -> Response:
        response: Response = await sdk.responses.create(**body)
        return response

    return ask


def streamed(sdk: AsyncOpenAI) -> Ask:
    async def ask(body: Body) -> Response:
        last: Any = None
        async for event in await sdk.responses.create(**body, stream=True):
            last = event
        assert last.type == "response.completed"
        response: Response = last.response
        return response

    return ask


def over(connection: Any) -> Ask:
    async def ask(body: Body) -> Response:
        await connection.response.create(**body)
        async for event in connection:
            assert event.type != "error", event
            if event.type == "response.completed":
                response: Response = event.response
                return response
        raise AssertionError("the connection closed")

    return ask
