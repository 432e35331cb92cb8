"""Sessions that are carried through to a provider which has sessions itself (`responses-ws`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai import BadRequestError, NotFoundError

from contract.carried import (
    ask,
    config,
    credential,
    made,
    sdk_of,
    session,
    sizes,
)
from contract.services.openai.responses import KEY, MODEL
from contract.services.openai.sessions import SessionsService
from contract.services.stand_in import Call, Turn
from support.config import MASTER_KEY, MOCK, manifest
from support.in_loop import served


@pytest.fixture
async def service() -> AsyncIterator[SessionsService]:
    async with SessionsService().listening() as service:
        yield service


async def test_the_sdk_talks_to_the_service_itself(service: SessionsService) -> None:
    async with sdk_of(service.base_url, KEY) as sdk, sdk.responses.connect() as connection:
        previous = None
        for _ in range(2):
            await connection.response.create(
                model=MODEL, input="Hi", previous_response_id=previous, store=False
            )
            async for event in connection:
                if event.type == "response.completed":
                    previous = event.response.id
                    break


async def test_the_sdk_has_a_conversation_of_which_only_what_is_new_is_sent(
    service: SessionsService,
) -> None:
    turns = (Turn(calls=(Call("f", {}),)), Turn(text="Done."), Turn(text="Bye."))
    service.turns.extend(turns)
    async with (
        served(config(service)) as router,
        sdk_of(f"http://127.0.0.1:{router.port}/v1", MASTER_KEY) as sdk,
        sdk.responses.connect() as connection,
    ):
        previous, call = None, ""
        for turn in turns:
            output: Any = [{"type": "function_call_output", "call_id": call, "output": "x"}]
            await connection.response.create(
                model="gpt",
                input=output if turn.text == "Done." else "Hi",
                store=False,
                previous_response_id=previous,
            )
            numbers = []
            async for event in connection:
                assert event.type != "error", event
                numbers.append(event.sequence_number)
                if event.type == "response.completed":
                    assert event.response.previous_response_id == previous
                    previous = event.response.id
                    call = getattr(event.response.output[-1], "call_id", "")
                    break
            assert numbers == list(range(len(numbers)))
    assert sizes(service) == [1, 1, 1]
    assert len(service.dials) == 1
    assert not service.journal


async def test_a_request_is_edited_as_over_http(service: SessionsService) -> None:
    parameters = {"defaults": {"top_p": 0.5}, "override": {"temperature": 0.1}, "drop": ["user"]}
    async with served(config(service, parameters=parameters)) as router:
        async with session(router) as connection:
            await made(connection, user="me", temperature=1, metadata={"a": "b"}, stream=True)
        body = {"model": "gpt", "input": "Hi", "store": False, "user": "me", "metadata": {"a": "b"}}
        await router.client.post("/v1/responses", json=body)
    (said,) = service.said
    assert said == {"type": "response.create", **service.asked}


async def test_requests_over_http_go_over_http(service: SessionsService) -> None:
    async with served(config(service)) as router:
        answer = await router.client.post("/v1/responses", json={"model": "gpt", "input": "Hi"})
    assert answer.status_code == 200
    assert not service.dials


async def test_a_provider_that_has_sessions_only_is_named_to_who_asks_over_http(
    service: SessionsService,
) -> None:
    async with (
        served(config(service, api=["responses-ws"])) as router,
        sdk_of(f"http://127.0.0.1:{router.port}/v1", MASTER_KEY) as sdk,
        session(router) as connection,
    ):
        with pytest.raises(BadRequestError, match="open a WebSocket") as caught:
            await sdk.responses.create(model="gpt", input="Hi")
        assert caught.value.code == "websocket_required"
        kept = await made(connection, store=True)
        with pytest.raises(NotFoundError):
            await sdk.responses.retrieve(kept)
    assert not service.journal


async def test_over_http_such_a_provider_is_asked_for_what_else_it_offers(
    service: SessionsService,
) -> None:
    async with served(config(service, api=["chat", "responses-ws"])) as router:
        await router.client.post("/v1/responses", json={"model": "gpt", "input": "Hi"})
        async with session(router) as connection:
            await made(connection)
    assert [asked.path for asked in service.journal] == ["/v1/chat/completions"]
    service.note_refusal()


async def test_over_http_a_fallback_answers_for_sessions(service: SessionsService) -> None:
    backends = [{"credential": "openai-0", "upstreamName": MODEL}]
    given = manifest(
        [credential(service, api=["responses-ws"]), MOCK],
        [
            {"name": "gpt", "backends": backends, "fallbacks": ["mock"]},
            {"name": "mock", "backends": [{"credential": "mock"}]},
        ],
        secrets={"openai": KEY},
    )
    async with served(given) as router, session(router) as connection:
        answer = await router.client.post("/v1/responses", json={"model": "gpt", "input": "Hi"})
        assert answer.status_code == 200
        await made(connection)
    assert len(service.said) == 1


async def test_what_is_kept_is_found_by_another_session(service: SessionsService) -> None:
    async with served(config(service)) as router:
        async with session(router) as connection:
            kept = await made(connection, store=True)
        async with session(router) as connection:
            await made(connection, store=True, previous_response_id=kept)
        assert (await router.client.get(f"/v1/responses/{kept}")).json()["id"] == kept
    assert service.said[-1]["previous_response_id"] in service.kept


async def test_what_is_not_kept_is_not_found_by_another_session(service: SessionsService) -> None:
    async with served(config(service)) as router:
        async with session(router) as connection:
            gone = await made(connection)
        async with session(router) as connection:
            error = await ask(connection, previous_response_id=gone)
    assert (error["status"], error["error"]["code"]) == (400, "previous_response_not_found")
    service.note_refusal()


async def test_each_lane_has_a_line_of_its_own(service: SessionsService) -> None:
    async with served(config(service)) as router, session(router) as connection:
        first = await made(connection, stream_id="a")
        await made(connection, stream_id="b")
        second = await made(connection, stream_id="a", previous_response_id=first)
        fork = await ask(connection, stream_id="b", previous_response_id=second)
        assert (fork["type"], fork["stream_id"]) == ("response.completed", "b")
        assert sizes(service) == [1, 1, 1, 5]
    assert len(service.dials) == 2


async def test_the_line_that_rested_longest_makes_room(service: SessionsService) -> None:
    async with served(config(service)) as router, session(router) as connection:
        first = await made(connection)
        for number in range(32):
            await made(connection, stream_id=f"lane{number}")
        assert len(service.dials) == 33
        assert len(service.sessions) <= 32
        await made(connection, previous_response_id=first)
        assert sizes(service)[-1] == 3


async def test_a_session_stays_with_who_remembers_it() -> None:
    async with (
        SessionsService().listening() as one,
        SessionsService().listening() as two,
        served(config(one, two, priority=0)) as router,
        session(router) as connection,
    ):
        previous = await made(connection)
        for _ in range(8):
            previous = await made(connection, previous_response_id=previous)
        assert sorted((len(one.said), len(two.said))) == [0, 9]
