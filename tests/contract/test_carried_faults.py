"""Sessions that are carried through to a provider, when something goes wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from contract.carried import (
    BOTH,
    RETRIES,
    ask,
    config,
    events,
    heard,
    made,
    say,
    session,
    sizes,
)
from contract.services.openai.responses import KEY, refused
from contract.services.openai.sessions import SessionsService
from contract.services.stand_in import Cut
from support.config import MASTER_KEY, manifest
from support.in_loop import served


@pytest.fixture
async def service() -> AsyncIterator[SessionsService]:
    async with SessionsService().listening() as service:
        yield service


async def test_an_error_is_that_of_a_request(service: SessionsService) -> None:
    async with served(config(service)) as router, session(router) as connection:
        service.refusals.append(refused(400, "No.", code="bad", param="input"))
        error = await ask(connection)
        assert error["status"] == 400
        assert (error["error"]["code"], error["error"]["param"]) == ("bad", "input")
        await made(connection)
    assert len(service.dials) == 1


async def test_an_error_before_the_first_event_is_tried_again_elsewhere() -> None:
    async with (
        SessionsService().listening() as one,
        SessionsService().listening() as two,
        served(config(one, two, resilience=RETRIES)) as router,
        session(router) as connection,
    ):
        previous = await made(connection)
        one.refusals.append(refused(503, "Sorry.", code="overloaded"))
        await made(connection, previous_response_id=previous)
        assert sizes(two)[-1] == 3


async def test_a_retry_does_not_rely_on_what_an_error_made_the_provider_forget(
    service: SessionsService,
) -> None:
    async with (
        served(config(service, resilience=RETRIES)) as router,
        session(router) as connection,
    ):
        previous = await made(connection)
        service.refusals.append(refused(503, "Sorry.", code="overloaded"))
        await made(connection, previous_response_id=previous)
    assert sizes(service) == [1, 1, 3]


async def test_a_rate_limit_says_when_to_come_back(service: SessionsService) -> None:
    async with served(config(service)) as router, session(router) as connection:
        limit = refused(429, "Slow down.", code="rate_limit_exceeded")
        limit.headers["retry-after"] = "7"
        service.refusals.append(limit)
        error = await ask(connection)
    assert (error["status"], error["error"]["headers"]) == (429, {"retry-after": "7"})


async def test_what_the_provider_forgot_is_sent_whole(service: SessionsService) -> None:
    async with served(config(service)) as router, session(router) as connection:
        previous = await made(connection)
        for each in service.sessions:
            each._newest = None
        await made(connection, previous_response_id=previous)
    service.note_refusal()
    assert sizes(service)[-1] == 3
    assert "previous_response_id" not in service.said[-1]


async def test_what_another_provider_sealed_is_left_out_as_over_http(
    service: SessionsService,
) -> None:
    foreign = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "__airouter2_x",
    }
    async with served(config(service)) as router, session(router) as connection:
        previous = await made(connection)
        given = [foreign, {"role": "user", "content": "Go on."}]
        await made(connection, input=given, previous_response_id=previous)
    assert sizes(service) == [1, 3]


@pytest.mark.parametrize("cut", [Cut.RESET, Cut.CLOSE, Cut.GARBAGE])
async def test_a_line_that_breaks_off_ends_the_response_with_an_error_and_the_next_one_is_new(
    service: SessionsService, cut: Cut
) -> None:
    async with served(config(service)) as router, session(router) as connection:
        service.cuts.append(cut)
        await say(connection)
        found = await events(connection)
        assert [each["sequence_number"] for each in found] == [*range(service.uncut + 2)]
        *_, error, last = found
        assert (error["type"], error["status"]) == ("error", 502)
        assert error["error"]["code"] == "broken_reply"
        assert (last["type"], last["response"]["status"]) == ("response.failed", "failed")
        await made(connection)
    assert len(service.dials) == 2


async def test_an_error_inside_a_response_is_the_providers_own(service: SessionsService) -> None:
    async with served(config(service)) as router, session(router) as connection:
        service.cuts.append(Cut.ERROR)
        await say(connection)
        (error,) = (each for each in await events(connection) if each["type"] == "error")
        assert (error["error"]["code"], error["status"]) == ("server_error", 500)
        await made(connection)


async def test_a_line_that_has_lived_long_enough_is_replaced(service: SessionsService) -> None:
    async with served(config(service)) as router, session(router) as connection:
        previous = await made(connection)
        await service.wear_out()
        await service.ended.wait()
        previous = await made(connection, previous_response_id=previous)
        service.worn = 1
        await made(connection, previous_response_id=previous)
    assert len(service.dials) == 3
    assert sizes(service) == [1, 3, 1, 5]


@pytest.mark.parametrize("status", [404, 426, 500])
async def test_a_provider_that_opens_no_websocket_is_asked_over_http(
    service: SessionsService, status: int
) -> None:
    service.unwelcome.append(refused(status, "No."))
    async with served(config(service)) as router, session(router) as connection:
        previous = await made(connection)
        await made(connection, previous_response_id=previous)
    assert len(service.journal) == 2
    assert len(service.dials) == 1


@pytest.mark.parametrize("status", [404, 426, 500])
async def test_without_http_another_provider_is_asked(status: int) -> None:
    async with (
        SessionsService().listening() as one,
        SessionsService().listening() as two,
        served(config(one, two, api=["responses-ws"], resilience=RETRIES)) as router,
        session(router) as connection,
    ):
        one.unwelcome.append(refused(status, "No."))
        await made(connection)
        assert len(two.said) == 1


async def test_nobody_else_to_ask_is_told(service: SessionsService) -> None:
    service.unwelcome.append(refused(404, "No."))
    async with (
        served(config(service, api=["responses-ws"])) as router,
        session(router) as connection,
    ):
        error = await ask(connection)
    assert (error["status"], error["error"]["code"]) == (502, "connect_error")


async def test_a_key_that_the_provider_refuses_is_ours_to_mend(service: SessionsService) -> None:
    async with (
        served(config(service, key="sk-wrong")) as router,
        session(router) as connection,
    ):
        error = await ask(connection)
    assert error["error"]["code"] == "upstream_authentication_failed"
    assert "sk-wrong" not in json.dumps(error)
    assert not service.journal


async def test_a_client_that_leaves_ends_its_line(service: SessionsService) -> None:
    async with served(config(service)) as router:
        async with session(router) as connection:
            service.cuts.append(Cut.STALL)
            await say(connection)
            await heard(connection)
        async with asyncio.timeout(60):
            await service.left.wait()
            await service.ended.wait()
        async with session(router) as connection:
            await made(connection)
        async with asyncio.timeout(60):
            await service.ended.wait()


async def test_a_key_that_is_rotated_opens_a_new_line(service: SessionsService) -> None:
    async with served(config(service)) as router, session(router) as connection:
        previous = await made(connection)
        service.key = "sk-the-next-one"
        assert router.offer(config(service, key=service.key))
        async with asyncio.timeout(60):
            await service.ended.wait()
        await made(connection, previous_response_id=previous)
    assert [dial.headers["authorization"] for dial in service.dials] == [
        f"Bearer {KEY}",
        "Bearer sk-the-next-one",
    ]


async def test_a_reload_that_changes_nothing_of_a_provider_leaves_its_lines(
    service: SessionsService,
) -> None:
    async with served(config(service)) as router, session(router) as connection:
        previous = await made(connection)
        assert router.offer(config(service, parameters={"defaults": {"top_p": 0.5}}))
        await made(connection, previous_response_id=previous)
    assert len(service.dials) == 1
    assert sizes(service)[-1] == 1


async def test_a_reload_that_removes_a_provider_lets_the_response_finish() -> None:
    async with (
        SessionsService().listening() as one,
        SessionsService().listening() as two,
        served(config(one)) as router,
        session(router) as connection,
    ):
        one.slow = asyncio.Event()
        await say(connection)
        await heard(connection)
        assert router.offer(config(two, name="another"))
        one.slow.set()
        assert (await events(connection))[-1]["type"] == "response.completed"
        async with asyncio.timeout(60):
            await one.ended.wait()
        await made(connection)
        assert len(two.said) == 1


async def test_a_drain_lets_the_response_finish(service: SessionsService) -> None:
    service.slow = asyncio.Event()
    async with (
        served(config(service), drain_deadline=10.0) as router,
        session(router) as connection,
    ):
        await say(connection)
        await heard(connection)
        assert router.router.server is not None
        router.router.server.should_exit = True
        service.slow.set()
        assert (await events(connection))[-1]["type"] == "response.completed"
        with pytest.raises(ConnectionClosed) as caught:
            await heard(connection)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1012
        async with asyncio.timeout(60):
            await service.ended.wait()


@pytest.mark.parametrize(
    ("timeouts", "code"),
    [
        ({"firstByte": "50ms"}, "timeout"),
        ({"idle": "50ms"}, "timeout"),
        ({"connect": "50ms", "total": "100ms"}, "timeout"),
    ],
)
async def test_a_response_that_takes_too_long_is_given_up(
    service: SessionsService, timeouts: dict[str, str], code: str
) -> None:
    service.speechless = "firstByte" in timeouts
    service.cuts.append(Cut.STALL)
    async with (
        served(config(service, timeouts=timeouts)) as router,
        session(router) as connection,
    ):
        await say(connection)
        found = await events(connection)
        (error,) = (each for each in found if each["type"] == "error")
        assert (error["error"]["code"], error["status"]) == (code, 504)
        async with asyncio.timeout(60):
            await service.left.wait()


async def test_events_that_are_larger_than_any_buffer_arrive(service: SessionsService) -> None:
    said = "a" * 4_000_000
    async with served(config(service)) as router, session(router) as connection:
        await say(connection, instructions=said)
        found = await events(connection)
        assert found[-1]["response"]["instructions"] == said
        await made(connection)
    assert len(service.dials) == 1


async def test_steering_is_not_carried(service: SessionsService) -> None:
    async with served(config(service)) as router, session(router) as connection:
        previous = await made(connection)
        steer = {"type": "response.steer", "previous_response_id": previous, "input": "No!"}
        await connection.send(json.dumps(steer))
        assert (await heard(connection))["error"]["code"] == "steering_not_supported"


async def test_a_warm_up_is_answered_here_and_gone_on_from_there(service: SessionsService) -> None:
    async with served(config(service)) as router, session(router) as connection:
        warm = await made(connection, instructions="Be kind.", generate=False)
        assert not service.said
        previous = await made(connection, previous_response_id=warm)
        assert service.said[-1]["instructions"] == "Be kind."
        await made(connection, previous_response_id=previous)
    assert sizes(service)[-1] == 1


async def test_a_router_behind_this_one_carries_the_session_on(service: SessionsService) -> None:
    async with (
        served(config(service)) as behind,
        served(
            manifest(
                [
                    {
                        "name": "behind",
                        "type": "Router",
                        "baseURL": f"http://127.0.0.1:{behind.port}/v1",
                        "secretRef": {"name": "keys", "key": "master"},
                        "api": BOTH,
                    }
                ],
                [{"name": "gpt", "backends": [{"credential": "behind"}]}],
            )
        ) as router,
        session(router) as connection,
    ):
        previous = await made(connection)
        await made(connection, previous_response_id=previous)
    assert sizes(service)[-1] == 1
    assert not service.journal


async def test_the_headers_of_a_client_open_its_line(service: SessionsService) -> None:
    headers = {
        "authorization": f"Bearer {MASTER_KEY}",
        "openai-beta": "responses_websockets=2026-02-06",
    }
    async with (
        served(config(service, headers=[{"name": "x-team", "value": "ai"}])) as router,
        connect(
            f"ws://127.0.0.1:{router.port}/v1/responses", proxy=None, additional_headers=headers
        ) as connection,
    ):
        await made(connection)
    (dial,) = service.dials
    assert dial.headers["openai-beta"] == "responses_websockets=2026-02-06"
    assert dial.headers["x-team"] == "ai"
    assert dial.headers["x-request-id"]
    assert MASTER_KEY not in str(dial.headers)


async def test_a_response_is_counted_like_any_other(service: SessionsService) -> None:
    async with served(config(service)) as router:
        async with session(router) as connection:
            await made(connection)
            service.refusals.append(refused(429, "Slow down.", code="rate_limit_exceeded"))
            await ask(connection)
        told = (await router.client.get("/metrics")).text
    requests = 'airouter_requests_total{credential="openai-0",model="gpt",operation="chat"'
    assert f'{requests},status="200",stream="true"}} 1.0' in told
    assert f'{requests},status="429",stream="true"}} 1.0' in told
    tokens = 'airouter_tokens_total{credential="openai-0"'
    assert f'{tokens},kind="input",model="gpt"}} 20.0' in told
    assert f'{tokens},kind="output",model="gpt"}} 9.0' in told
    assert 'airouter_requests_in_flight{credential="openai-0"} 0.0' in told
