"""What Open Responses' own suite asks, of every provider: each answer keeps to the open schema.

That suite is TypeScript; here are its cases in our words, held to the same schema, to the types of
OpenAI's SDK and to the order in which events may come.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from openai.types.responses import Response
from websockets.asyncio.client import ClientConnection, connect

from airouter.config.builtin import MANIFEST, MASTER_KEY
from contract.matrix.features import UPSTREAMS
from contract.matrix.world import model_of, world
from contract.services.stand_in import Body, Call, Turn
from support import config
from support.http_client import http_client
from support.in_loop import served
from support.open_responses import deviations
from unit.dialects.responses.asking import checked, events_in
from unit.dialects.responses.grammar import ENDS

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
    "WjR9awAAAABJRU5ErkJggg=="
)
WEATHER: Body = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def said(role: str, content: Any, **more: Any) -> Body:
    return {"type": "message", "role": role, "content": content, **more}


CASES: dict[str, Body] = {
    "text": {"input": [said("user", "Say hello in exactly 3 words.")]},
    "a system prompt": {"input": [said("system", "Be a pirate."), said("user", "Say hello.")]},
    "phases": {
        "input": [
            said("assistant", "I should look it up.", phase="commentary"),
            said("assistant", "It is four.", phase="final_answer"),
            said("user", "Repeat the number."),
        ]
    },
    "an image": {
        "input": [
            said(
                "user",
                [
                    {"type": "input_text", "text": "What is this?"},
                    {"type": "input_image", "image_url": PIXEL},
                ],
            )
        ]
    },
    "a tool": {"input": [said("user", "How is the weather in Paris?")], "tools": [WEATHER]},
}


@dataclass
class Asker:
    """A model behind a router."""

    model: str
    url: str
    key: str
    script: Callable[[Turn], None]
    """What the model says next."""

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    async def post(self, path: str, **body: Any) -> httpx.Response:
        async with http_client(headers=self.headers, trust_env=False) as client:
            return await client.post(f"http://{self.url}{path}", json={"model": self.model, **body})

    def session(self) -> connect:
        return connect(f"ws://{self.url}/v1/responses", additional_headers=self.headers, proxy=None)

    async def turn(self, session: ClientConnection, **fields: Any) -> list[Body]:
        """The events of a response, which nobody stores."""
        create = {"type": "response.create", "model": self.model, "store": False, **fields}
        await session.send(json.dumps(create))
        events: list[Body] = []
        async with asyncio.timeout(60):
            while not events or events[-1]["type"] not in {"error", *ENDS}:
                events.append(json.loads(await session.recv()))
        return events


def ended(event: Body) -> Any:
    """The code of an error, or how a response ended."""
    return event["error"]["code"] if event["type"] == "error" else event["response"]["status"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def askers() -> AsyncIterator[dict[str, Asker]]:
    """Every provider, and the models that are there without any configuration."""
    async with contextlib.AsyncExitStack() as stack:
        everything = await stack.enter_async_context(world())
        url = f"127.0.0.1:{everything.router.port}"
        found = {
            name: Asker(model_of(name), url, config.MASTER_KEY, script)
            for name in UPSTREAMS
            for script in [lambda turn, name=name: everything.script(name, turn)]
        }
        built_in = await stack.enter_async_context(served(MANIFEST))
        url = f"127.0.0.1:{built_in.port}"
        found["Mock"] = Asker("mock-tools", url, MASTER_KEY, lambda turn: None)
        yield found


each_provider = pytest.mark.parametrize("name", [*UPSTREAMS, "Mock"])
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("case", CASES)
@each_provider
async def test_an_answer_is_the_same_whole_and_streamed(
    askers: dict[str, Asker], name: str, case: str
) -> None:
    asker, expected = askers[name], "function_call" if "tools" in CASES[case] else "message"
    calls = (Call("get_weather", {"city": "Paris"}),) if "tools" in CASES[case] else ()
    turn = Turn(text=None if calls else "Ahoy, my friend!", calls=calls)
    asker.script(turn)
    answer = (await asker.post("/v1/responses", **CASES[case])).content
    Response.model_validate_json(answer, strict=True)
    whole = json.loads(answer)
    asker.script(turn)
    stream = await asker.post("/v1/responses", stream=True, **CASES[case])
    streamed = events_in(stream.content)[-1]["response"]
    assert deviations(whole) == []
    assert whole["status"] == streamed["status"] == "completed"
    for response in (whole, streamed):
        assert response["output"][-1]["type"] == expected


@each_provider
async def test_a_session_goes_on_until_a_turn_fails(askers: dict[str, Asker], name: str) -> None:
    asker = askers[name]
    lost = {"type": "function_call_output", "call_id": "call_nobody", "output": "?"}
    async with asker.session() as session:
        asker.script(Turn(text="OK."))
        first = await asker.turn(session, input="Remember the word cobalt.")
        asker.script(Turn(text="cobalt"))
        second = await asker.turn(session, input="Which?", previous_response_id=id_of(first))
        failed = await asker.turn(session, input=[lost], previous_response_id=id_of(second))
        evicted = await asker.turn(session, input="Which?", previous_response_id=id_of(second))
    for events in (first, second):
        checked(events)
    for error in (*failed, *evicted):
        assert deviations(error) == []
    found = [ended(events[-1]) for events in (first, second, failed, evicted)]
    assert found == [
        "completed",
        "completed",
        "invalid_request_error",
        "previous_response_not_found",
    ]


@each_provider
async def test_a_session_knows_nothing_of_the_one_before(
    askers: dict[str, Asker], name: str
) -> None:
    asker = askers[name]
    async with asker.session() as session:
        asker.script(Turn(text="OK."))
        first = await asker.turn(session, input="Remember the word copper.")
    async with asker.session() as session:
        (error,) = await asker.turn(session, input="Which?", previous_response_id=id_of(first))
        asker.script(Turn(text="OK."))
        checked(await asker.turn(session, input="Begin anew."))
    assert deviations(error) == []
    assert ended(error) == "previous_response_not_found"


@each_provider
async def test_a_session_begins_with_a_compacted_conversation(
    askers: dict[str, Asker], name: str
) -> None:
    asker = askers[name]
    asker.script(Turn(text="We launch on Tuesday."))
    talk = [said("user", "We launch on Tuesday."), said("assistant", "Understood.")]
    answer = await asker.post("/v1/responses/compact", input=talk, prompt_cache_key="k")
    compacted = answer.json()
    assert answer.status_code == 200
    assert deviations(compacted) == []
    assert compacted["output"][-1]["type"] == "compaction"
    async with asker.session() as session:
        asker.script(Turn(text="On Tuesday."))
        again = [*compacted["output"], said("user", "When?")]
        checked(await asker.turn(session, input=again, tools=[]))


@each_provider
async def test_a_compaction_needs_a_model(askers: dict[str, Asker], name: str) -> None:
    answer = await askers[name].post("/v1/responses/compact", model=None, input="Hello")
    assert answer.status_code == 400


def id_of(events: list[Body]) -> str:
    id_: str = events[-1]["response"]["id"]
    return id_
