"""What requests cost, through a whole router: in its metrics, and by whom they are answered."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from support.chat_provider import (
    ANSWER,
    DONE,
    END,
    HI,
    USAGE,
    answer,
    chunked,
    credential,
    event,
    http,
)
from support.config import manifest
from support.in_loop import Served, served
from support.raw_upstream import RawUpstream

PRICE = {"input": "2.50", "output": "10"}
MICRO = 1e-6
CONTINUE = {"onBrokenStream": "Continue", "retries": {"backoff": {"initial": "0s"}}}


@contextlib.asynccontextmanager
async def priced(
    backends: list[tuple[RawUpstream, dict[str, str] | None]], **spec: Any
) -> AsyncIterator[Served]:
    """A router with a model `m` that has backends with these prices, in this order."""
    credentials = [credential(f"c{i}", each, priority=i) for i, (each, _) in enumerate(backends)]
    declared = [
        {"credential": f"c{i}", **({} if price is None else {"price": price})}
        for i, (_, price) in enumerate(backends)
    ]
    models = [{"name": "m", "backends": declared, **spec.pop("model", {})}, *spec.pop("others", ())]
    text = manifest(credentials, models, secrets={"upstream": "k"}, **spec)
    async with served(text) as router:
        yield router


async def counted(router: Served, name: str) -> dict[str, float]:
    """The values of a metric by credential, once a request is over."""
    async with asyncio.timeout(60):
        while True:
            text = (await router.client.get("/metrics")).text
            if re.search(r"^airouter_requests_total\{.*model=\"m\".*\} 1.0$", text, re.MULTILINE):
                break
            await asyncio.sleep(0.01)
    line = re.compile(rf"^{name}\{{(.*)\}} (\S+)$", re.MULTILINE)
    found: dict[str, float] = {}
    for labels, value in line.findall(text):
        said = dict(re.findall(r"(\w+)=\"([^\"]*)\"", labels))
        found[" ".join(filter(None, (said["credential"], said.get("kind"))))] = float(value)
    return found


async def test_an_answer_is_paid_for_at_the_price_of_its_backend(
    first: RawUpstream, second: RawUpstream
) -> None:
    async with priced([(first, {"input": "100"}), (second, PRICE)]) as router:
        asking = asyncio.create_task(router.chat())
        await answer(first, http(503, {"error": {"message": "down"}}))
        await answer(second, http(200, ANSWER))
        await asking
        costs = await counted(router, "airouter_cost_usd_total")
        assert costs == {"c1": 0.0000275}  # 3 * 2.50 + 2 * 10 millionths
        text = (await router.client.get("/metrics")).text
        assert 'client="master"' in text


async def test_what_the_slower_of_two_told_before_the_other_answered_is_paid_for(
    first: RawUpstream, second: RawUpstream
) -> None:
    hedge = {"after": "50ms", "percent": 100}
    told = event(choices=[{"delta": {"content": ""}}], usage={"prompt_tokens": 100})
    async with priced([(first, PRICE), (second, PRICE)], resilience={"hedge": hedge}) as router:
        asking = asyncio.create_task(router.chat(stream=True))
        slow, _ = await answer(first, chunked(told))
        await answer(second, chunked(HI, USAGE, DONE) + END)
        answered = await asking
        costs = await counted(router, "airouter_cost_usd_total")
        assert costs == {"c0": pytest.approx(250 * MICRO), "c1": pytest.approx(27.5 * MICRO)}
        assert b"100" not in answered.content, "the answer tells what it took alone"
        slow.hang_up()


async def test_images_that_pass_through_are_paid_for_by_their_tokens_and_their_number(
    first: RawUpstream,
) -> None:
    given = credential("c0", first, api=["images"])
    price = {"input": "5", "imageOutput": "32", "image": "0.001"}
    models = [{"name": "m", "backends": [{"credential": "c0", "price": price}]}]
    body = {"created": 1, "data": [{"b64_json": "AAAA"}, {"b64_json": "AAAA"}]}
    usage = {"input_tokens": 10, "output_tokens": 500, "total_tokens": 510}
    async with served(manifest([given], models, secrets={"upstream": "k"})) as router:
        request = {"model": "m", "prompt": "A cat.", "n": 2}
        asking = asyncio.create_task(router.client.post("/v1/images/generations", json=request))
        await answer(first, http(200, body | {"usage": usage}))
        assert (await asking).json() == body | {"usage": usage}
        costs = await counted(router, "airouter_cost_usd_total")
        assert costs == {"c0": 0.01805}  # 10 * 5 + 500 * 32 millionths, and two thousandths
        tokens = await counted(router, "airouter_tokens_total")
        assert tokens == {"c0 input": 10, "c0 output": 500}


async def test_images_that_are_streamed_are_paid_for_too(first: RawUpstream) -> None:
    given = credential("c0", first, api=["images"])
    price = {"input": "5", "imageOutput": "32"}
    models = [{"name": "m", "backends": [{"credential": "c0", "price": price}]}]
    usage = {"input_tokens": 10, "output_tokens": 500, "total_tokens": 510}
    draft = event(type="image_generation.partial_image", b64_json="AAAA", partial_image_index=0)
    image = event(type="image_generation.completed", b64_json="BBBB", usage=usage)
    async with served(manifest([given], models, secrets={"upstream": "k"})) as router:
        request = {"model": "m", "prompt": "A cat.", "n": 2, "stream": True}
        asking = asyncio.create_task(router.client.post("/v1/images/generations", json=request))
        await answer(first, chunked(draft, image, draft, image) + END)
        assert (await asking).content == draft + image + draft + image
        costs = await counted(router, "airouter_cost_usd_total")
        assert costs == {"c0": 0.0321}  # twice 10 * 5 + 500 * 32 millionths


async def test_a_stream_that_its_client_leaves_is_paid_for_as_far_as_it_came(
    first: RawUpstream,
) -> None:
    async with priced([(first, {"input": "1", "output": "1"})]) as router:
        asking = asyncio.create_task(answer(first, chunked(HI * 40)))
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hello!"}]}
        url = "/v1/chat/completions"
        async with router.client.stream("POST", url, json=body) as response:
            async for piece in response.aiter_bytes():
                if b"Hi" in piece:
                    break
        conversation, _ = await asking
        await conversation.gone()
        (cost,) = (await counted(router, "airouter_cost_usd_total")).values()
        tokens = await counted(router, "airouter_tokens_total")
        assert tokens["c0 input"] > 0
        assert tokens["c0 output"] > 0
        assert round(cost / MICRO, 6) == tokens["c0 input"] + tokens["c0 output"]


async def test_each_part_of_a_continued_stream_is_paid_for_at_its_own_price(
    first: RawUpstream, second: RawUpstream
) -> None:
    prices = [(first, {"output": "1"}), (second, {"input": "1000", "output": "100"})]
    async with priced(list(prices), resilience=CONTINUE) as router:
        asking = asyncio.create_task(router.chat(stream=True))
        conversation, _ = await answer(first, chunked(HI * 40))
        conversation.hang_up()
        end = {"choices": [{"index": 0, "delta": {"content": "!"}, "finish_reason": "stop"}]}
        await answer(second, chunked(event(**end), USAGE, DONE) + END)
        assert (await asking).status_code == 200
        costs = await counted(router, "airouter_cost_usd_total")
        tokens = await counted(router, "airouter_tokens_total")
        assert costs["c1"] == 0.0032  # 3 * 1,000 + 2 * 100 millionths, as it told
        assert round(costs["c0"] / MICRO) == tokens["c1 output"] - 2 > 0


def refusal(response: httpx.Response) -> tuple[int, str, str]:
    error = response.json()["error"]
    return response.status_code, error["code"], error["message"]


REFUSE = {"unknown": "Refuse"}


async def test_a_model_without_a_price_is_refused_where_the_cost_has_to_be_known(
    first: RawUpstream,
) -> None:
    async with priced([(first, None)], pricing=REFUSE) as router:
        for stream in (False, True):
            status, code, message = refusal(await router.chat(stream=stream))
            assert (status, code) == (403, "price_unknown")
            assert message.startswith("The model 'm' has no price")


async def test_a_backend_without_a_price_is_passed_over_where_the_cost_has_to_be_known(
    first: RawUpstream, second: RawUpstream
) -> None:
    async with priced([(first, None), (second, PRICE)], pricing=REFUSE) as router:
        asking = asyncio.create_task(router.chat())
        await answer(second, http(200, ANSWER))
        assert (await asking).status_code == 200
        assert await counted(router, "airouter_upstream_attempts_total") == {"c1": 1}


async def test_a_fallback_with_a_price_answers_for_a_model_without(
    first: RawUpstream, second: RawUpstream
) -> None:
    other = {"name": "n", "backends": [{"credential": "c1", "price": PRICE}]}
    model = {"fallbacks": ["n"], "backends": [{"credential": "c0"}]}
    spec: dict[str, Any] = {"model": model, "others": [other], "pricing": REFUSE}
    async with priced([(first, None), (second, PRICE)], **spec) as router:
        asking = asyncio.create_task(router.chat())
        await answer(second, http(200, ANSWER))
        assert (await asking).status_code == 200


async def test_by_default_a_model_without_a_price_answers_and_is_counted(
    first: RawUpstream,
) -> None:
    async with priced([(first, None)]) as router:
        asking = asyncio.create_task(router.chat())
        await answer(first, http(200, ANSWER))
        assert (await asking).status_code == 200
        assert await counted(router, "airouter_unpriced_answers_total") == {"c0": 1}
        assert await counted(router, "airouter_cost_usd_total") == {}
