"""Names of tools that OpenAI refuses, in Responses that pass through to it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from airouter.dialects.translation.tool_names import fitting_name
from contract.carried import ask, session
from contract.carried import config as sessions_config
from contract.services.openai.responses import ResponsesService
from contract.services.openai.sessions import SessionsService
from contract.services.stand_in import Body, Call, Turn, sse
from contract.test_calls_passed_on import going_on, provided
from contract.test_native_responses import config, sdk_of
from support.in_loop import served

NAMES = ("fs.read", "größe lesen/1.0", "mcp__" + "look_something_up_" * 4)
NAMED = pytest.mark.parametrize("name", NAMES)


def tool(name: str) -> Any:
    return {"type": "function", "name": name, "parameters": {"type": "object"}, "strict": False}


def calling(name: str, id_: str = "call_1") -> Turn:
    return Turn(calls=(Call(fitting_name(name), {"city": "Rome"}, id=id_),))


def result(id_: str = "call_1") -> Any:
    return {"type": "function_call_output", "call_id": id_, "output": "Rainy."}


@NAMED
async def test_a_call_has_the_name_that_the_client_knows(name: str) -> None:
    async with (
        ResponsesService().listening() as service,
        served(config(service)) as router,
        sdk_of(router) as sdk,
    ):
        service.turns += [calling(name), calling(name)]
        body: Any = {"model": "gpt", "input": "How is it?", "tools": [tool(name), tool("plain")]}
        whole = await sdk.responses.create(**body)
        async with sdk.responses.stream(**body) as stream:
            events = [event async for event in stream]
        streamed = await stream.get_final_response()
    for response in (whole, streamed):
        (call,) = response.output
        assert (call.type, getattr(call, "name", None)) == ("function_call", name)
        assert [getattr(each, "name", None) for each in response.tools] == [name, "plain"]
    seen = [event.item for event in events if event.type == "response.output_item.added"]
    assert [getattr(item, "name", None) for item in seen] == [name]


def numbered(*events: Body) -> list[bytes]:
    """Events of a stream."""
    return [sse({**each, "sequence_number": at}, each["type"]) for at, each in enumerate(events)]


@NAMED
async def test_a_call_after_the_first_word_has_it_in_every_event(name: str) -> None:
    said = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
    text = {
        "output_index": 0,
        "content_index": 0,
        "item_id": "msg_1",
        "delta": "Hm.",
        "logprobs": [],
    }
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": fitting_name(name)}
    call |= {"arguments": "{}", "status": "completed"}
    response: Body = {"id": "resp_1", "object": "response", "output": [], "tools": []}
    events = numbered(
        {"type": "response.created", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": said},
        {"type": "response.output_text.delta", **text},
        {"type": "response.output_item.added", "output_index": 1, "item": call},
        {"type": "response.output_item.done", "output_index": 1, "item": call},
        {"type": "response.completed", "response": response | {"output": [said, call]}},
    )
    heard = asyncio.Event()
    answer = going_on(b"".join(events[:3]), b"".join(events[3:]), heard)
    found: list[Any] = []
    async with provided("OpenAI", answer) as router, sdk_of(router) as sdk, asyncio.timeout(60):
        more: Any = {"input": "How is it?", "tools": [tool(name)], "stream": True}
        async for event in await sdk.responses.create(model="m", **more):
            heard.set()
            found.append(event)
    names = [event.item.name for event in found[3:5]]
    assert [*names, found[-1].response.output[1].name] == [name] * 3


@NAMED
async def test_a_response_that_its_provider_keeps_is_gone_on_with(name: str) -> None:
    async with (
        ResponsesService().listening() as service,
        served(config(service)) as router,
        sdk_of(router) as sdk,
    ):
        service.turns += [calling(name), calling(name, "call_2"), Turn(text="Rainy.")]
        more: Any = {"model": "gpt", "tools": [tool(name)]}
        first = await sdk.responses.create(input="How is it?", **more)
        second = await sdk.responses.create(input=[result()], previous_response_id=first.id, **more)
        (call,) = second.output
        assert getattr(call, "name", None) == name
        given: Any = [{"role": "user", "content": "How is it?"}]
        given += [item.to_dict() for item in (*first.output, *second.output)]
        given += [result(), result("call_2")]
        last = await sdk.responses.create(input=given, **more)
    assert last.output_text == "Rainy."


@NAMED
async def test_a_conversation_outlives_a_tool_that_is_offered_no_more(name: str) -> None:
    async with (
        ResponsesService().listening() as service,
        served(config(service)) as router,
        sdk_of(router) as sdk,
    ):
        service.turns += [calling(name), Turn(text="Rainy.")]
        first = await sdk.responses.create(model="gpt", input="How is it?", tools=[tool(name)])
        given: Any = [{"role": "user", "content": "How is it?"}]
        given += [*(item.to_dict() for item in first.output), result()]
        last = await sdk.responses.create(model="gpt", input=given)
    assert last.output_text == "Rainy."


@NAMED
async def test_a_session_knows_the_client_s_names(name: str) -> None:
    async with (
        SessionsService().listening() as service,
        served(sessions_config(service)) as router,
        session(router) as connection,
    ):
        service.turns += [calling(name), Turn(text="Rainy.")]
        made = await ask(connection, input="How is it?", tools=[tool(name)])
        (call,) = made["response"]["output"]
        assert call["name"] == name
        given = [{**call, "id": None, "call_id": "call_2"}, result("call_2"), result()]
        given[0].pop("id")
        said = await ask(
            connection,
            input=given,
            previous_response_id=made["response"]["id"],
            tools=[tool(name)],
        )
    assert said["type"] == "response.completed", json.dumps(said)


async def test_a_response_in_the_background_keeps_names_that_nobody_could_give_back() -> None:
    async with (
        ResponsesService().listening() as service,
        served(config(service)) as router,
    ):
        body = {"model": "gpt", "input": "Hi", "background": True, "tools": [tool("fs.read")]}
        answer = await router.client.post("/v1/responses", json=body)
        service.refused.clear()
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "tools[0].name")
