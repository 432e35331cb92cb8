"""Sessions that are carried through to a provider that keeps to the protocol loosely."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from contract.carried import RETRIES, ask, config, made, session
from contract.services.openai.responses import refused
from contract.services.openai.sessions import SessionsService
from support.in_loop import served


@pytest.fixture
async def service() -> AsyncIterator[SessionsService]:
    async with SessionsService().listening() as service:
        yield service


@pytest.mark.parametrize("named", ["status", "status_code", None])
async def test_an_error_that_is_the_clients_fault_is_told_once(
    service: SessionsService, named: str | None
) -> None:
    service.names_status = named
    async with served(config(service, resilience=RETRIES)) as router, session(router) as connection:
        service.refusals.append(refused(400, "No.", code="invalid_prompt"))
        assert (await ask(connection))["status"] == 400
        await made(connection)
    assert len(service.said) == 2, "one for each request"


async def test_a_message_that_is_too_large_for_a_websocket_goes_by_http(
    service: SessionsService,
) -> None:
    async with served(config(service)) as router, session(router) as connection:
        await made(connection)
        service.largest = 1_000
        await made(connection, input="x" * 2_000)
    assert len(service.said) == 1


async def test_a_response_tells_what_it_goes_on_from(service: SessionsService) -> None:
    async with served(config(service)) as router, session(router) as connection:
        previous = await made(connection)
        for each in service.sessions:
            each._newest = None
        event = await ask(connection, previous_response_id=previous)
        assert event["response"]["previous_response_id"] == previous
        event = await ask(connection, previous_response_id=event["response"]["id"])
        assert event["response"]["previous_response_id"] is not None
    service.note_refusal()  # of what it forgot, which is then sent whole
