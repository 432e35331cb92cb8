"""The strict Anthropic fails as a test tells it to, and sees clients that leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import anthropic
import httpx
import pytest

from contract.services.anthropic.answers import Turn, text
from contract.services.anthropic.asking import post
from contract.services.anthropic.refusals import Refusal, rate_limited
from contract.services.anthropic.samples import HELLO, NEWEST, changed
from contract.services.anthropic.service import KEY, AnthropicService, anthropic_service
from contract.services.anthropic.streams import Cut, Fault


@pytest.fixture
async def service() -> AsyncIterator[AnthropicService]:
    async with anthropic_service() as service:
        yield service


@pytest.fixture
async def direct(service: AnthropicService) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """The SDK at the service itself."""
    async with anthropic.AsyncAnthropic(
        base_url=service.base_url, api_key=KEY, max_retries=0
    ) as client:
        yield client


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 413, 429, 500, 503, 529])
async def test_it_fails_as_it_is_told(
    direct: anthropic.AsyncAnthropic, service: AnthropicService, status: int
) -> None:
    service.refusals.append(Refusal(status, "Not now", headers={"retry-after": "7"}))
    with pytest.raises(anthropic.APIStatusError, match="Not now") as caught:
        await direct.messages.create(model=NEWEST, max_tokens=9, messages=HELLO)
    assert caught.value.status_code == status
    assert caught.value.response.headers["retry-after"] == "7"


async def test_the_sdk_tries_again_as_it_is_told(service: AnthropicService) -> None:
    soon = {"retry-after": "0.01"}
    service.refusals += [rate_limited(0.01), *(Refusal(n, "x", headers=soon) for n in (500, 529))]
    async with anthropic.AsyncAnthropic(
        base_url=service.base_url, api_key=KEY, max_retries=3
    ) as client:
        await client.messages.create(model=NEWEST, max_tokens=9, messages=HELLO)
    assert len(service.asked) == 4
    assert rate_limited().headers == {}


async def read(service: AnthropicService) -> str:
    """A stream as it comes over the wire."""
    body = changed({"stream": True}, max_tokens=9)
    return (await post(service, body)).text


async def test_a_stream_is_reset(service: AnthropicService) -> None:
    service.cuts.append(Cut(Fault.RESET))
    with pytest.raises(httpx.ReadError):
        await read(service)


async def test_a_stream_ends_without_an_end(service: AnthropicService) -> None:
    service.cuts.append(Cut(Fault.CLOSE, after=4))
    got = await read(service)
    assert got.count("\n\n") == 4
    assert "message_stop" not in got


async def test_a_stream_says_what_went_wrong(
    direct: anthropic.AsyncAnthropic, service: AnthropicService
) -> None:
    service.cuts.append(Cut(Fault.ERROR, after=3))
    with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
        async with direct.messages.stream(model=NEWEST, max_tokens=9, messages=HELLO) as stream:
            await stream.get_final_message()


async def test_a_stream_has_garbage_in_it(service: AnthropicService) -> None:
    service.cuts.append(Cut(Fault.GARBAGE))
    got = await read(service)
    assert '{"type": "content_\ufffd' in got
    assert got.endswith('data: {"type": "message_stop"}\n\n')


async def test_a_silent_stream_pings_when_the_test_says_so(service: AnthropicService) -> None:
    service.cuts.append(Cut(Fault.SILENCE, after=1))
    service.turns.append(Turn((text("At last"),), pings=()))
    for _ in range(3):
        service.ping()
    service.go_on()
    got = await read(service)
    assert got.count("event: ping") == 3
    assert got.index("event: ping") < got.index("content_block_start")


@pytest.mark.parametrize("fault", [Fault.STALL, Fault.SILENCE])
async def test_it_sees_that_a_client_has_left(
    direct: anthropic.AsyncAnthropic, service: AnthropicService, fault: Fault
) -> None:
    service.cuts.append(Cut(fault))
    stream = await direct.messages.create(model=NEWEST, max_tokens=9, messages=HELLO, stream=True)
    assert (await anext(aiter(stream))).type == "message_start"
    assert not service.left.is_set()
    await stream.close()
    async with asyncio.timeout(60):
        await service.left.wait()


async def test_it_sees_that_a_client_has_left_before_an_answer(
    direct: anthropic.AsyncAnthropic, service: AnthropicService
) -> None:
    service.gate.clear()
    asking = asyncio.create_task(direct.messages.create(model=NEWEST, max_tokens=9, messages=HELLO))
    async with asyncio.timeout(60):
        await service.arrived.wait()
        asking.cancel()
        await service.left.wait()


async def test_a_refusal_that_nobody_expected_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="invalid x-api-key"):
        async with anthropic_service() as service:
            await post(service, {}, x_api_key="sk-someone-elses")
