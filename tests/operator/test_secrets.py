"""The Secrets of a namespace: those that a RouterConfig names are held, and no others."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from airouter_operator.key_secret import KEY_SECRET_TYPE
from airouter_operator.kube.paths import router_keys_in, secrets_in
from support.chat_provider import ANSWER
from support.config import MOCK
from support.control_plane import ControlPlane, condition
from support.http_client import http_client
from support.resources import MASTER_KEY, routerconfig, secret
from support.router import RouterProcess
from support.router_keys import grant_to, granting, key_in, router_key
from support.router_models import patch_models

UNRELATED = int(os.environ.get("UNRELATED_SECRETS", "300"))
FORGED = 100
AT_A_TIME = 20
MEGABYTE = base64.b64encode(os.urandom(1_000_000)).decode()
MOST_MEMORY = 150_000_000
MOST_WITH_A_PAGE = 180_000_000
PAID = {
    "name": "paid",
    "type": "OpenAICompatible",
    "baseURL": "http://127.0.0.1:9/v1",
    "secretRef": {"name": "providers", "key": "paid"},
}

pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")


@pytest.fixture
async def crowded(plane: ControlPlane) -> ControlPlane:
    """A namespace full of Secrets that no RouterConfig names, a megabyte each."""
    await crowd(plane, UNRELATED)
    await plane.apply(routerconfig(MOCK, models={"m": "mock"}), secret("keys", master=MASTER_KEY))
    return plane


async def test_secrets_that_nobody_names_take_no_memory(crowded: ControlPlane) -> None:
    for run in ("first", "again"):
        async with crowded.operator(RESYNC="0.5") as operator:
            await crowded.until_condition("Accepted", "True")
            await touch_unrelated(crowded, run)
            await crowded.patch(patch_models(run))
            await crowded.until_condition("Accepted", "True")
            assert operator.peak_memory() < MOST_MEMORY
            await operator.until_metric("secrets", 2)


async def test_those_that_others_make_of_the_type_of_keys_take_a_few_at_a_time(
    plane: ControlPlane,
) -> None:
    await crowd(plane, FORGED, KEY_SECRET_TYPE)
    await plane.apply(*granting(grant_to(plane.namespace)))
    await plane.client.create(router_keys_in(plane.namespace), router_key())
    async with plane.operator() as operator:
        await key_in(plane)
        assert operator.peak_memory() < MOST_WITH_A_PAGE
        await operator.until_metric("secrets", 3)


async def crowd(plane: ControlPlane, count: int, type_: str = "Opaque") -> None:
    """Make Secrets of a megabyte each."""
    slots = asyncio.Semaphore(AT_A_TIME)

    async def create(number: int) -> None:
        async with slots:
            body = {**secret(f"unrelated-{number}"), "type": type_, "data": {"blob": MEGABYTE}}
            await plane.client.create(secrets_in(plane.namespace), body)

    await asyncio.gather(*map(create, range(count)))


async def touch_unrelated(plane: ControlPlane, value: str) -> None:
    """Change some of the Secrets, so that watches report them."""
    for number in range(AT_A_TIME):
        body = secret(f"unrelated-{number}")
        del body["stringData"]
        body["metadata"]["labels"] = {"touched": value}
        await plane.client.apply(f"{secrets_in(plane.namespace)}/unrelated-{number}", body)


@pytest.fixture
async def provider() -> AsyncIterator[str]:
    """The base URL of a provider that answers every chat."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(ANSWER)

    application = web.Application()
    application.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    await runner.cleanup()


async def chat(router: RouterProcess) -> int:
    """The status of a request for the model `best`."""
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    body = {"model": "best", "messages": [{"role": "user", "content": "Hi"}]}
    async with http_client(base_url=router.base_url, headers=headers) as client:
        return (await client.post("/chat/completions", json=body)).status_code


async def test_requests_go_on_while_a_secret_is_replaced(
    plane: ControlPlane, provider: str
) -> None:
    await plane.apply(secret("keys", master=MASTER_KEY), secret("providers", paid="sk-paid-1"))
    paid = {**PAID, "baseURL": provider}
    await plane.apply(routerconfig(paid, models={"best": "paid"}))
    async with plane.operator(SECRET_GRACE="300") as operator, plane.router() as router:
        await plane.until_condition("Ready", "True")
        await plane.kubectl("delete", "secret", "providers")
        kept = await plane.until_condition("ResolvedRefs", "False", "LastValueKept")
        assert kept["message"].startswith("Secret(s) gone: providers; what they held last is used")
        assert await chat(router) == 200
        status = await plane.status()
        assert (status["credentials"], (condition(status, "Ready") or {})["status"]) == (
            "1/1",
            "True",
        )
        await plane.until_told("Warning", "LastValueKept")
        await plane.apply(secret("providers", paid="sk-paid-2"))
        await plane.until_condition("ResolvedRefs", "True")
        assert await chat(router) == 200
        await operator.until_metric("secrets", 3)


async def test_the_last_value_of_a_secret_is_used_for_so_long_and_not_longer(
    plane: ControlPlane,
) -> None:
    await plane.apply(secret("keys", master=MASTER_KEY), secret("providers", paid="sk-paid"))
    await plane.apply(routerconfig(PAID, models={"best": "paid"}))
    async with plane.operator(SECRET_GRACE="5"):
        await plane.until_condition("Accepted", "True")
        await plane.kubectl("delete", "secret", "providers")
        await plane.until_told("Warning", "LastValueKept")  # which outlives the condition
        await plane.until_condition("ResolvedRefs", "False", "SecretNotFound")
        assert (await plane.status())["credentials"] == "0/1"


async def test_a_credential_that_is_suspended_is_out_of_use_at_once(plane: ControlPlane) -> None:
    await plane.apply(secret("keys", master=MASTER_KEY), secret("providers", paid="sk-paid"))
    await plane.apply(routerconfig(PAID, MOCK, models={"best": "paid", "free": "mock"}))
    async with plane.operator(SECRET_GRACE="300"), plane.router() as router:
        await plane.until_condition("Ready", "True")
        await plane.kubectl("delete", "secret", "providers")
        await plane.until_condition("ResolvedRefs", "False", "LastValueKept")
        await plane.apply(
            routerconfig({**PAID, "suspended": True}, MOCK, models={"best": "paid", "free": "mock"})
        )
        status = await plane.until(lambda s: s["credentials"] == "1/2")
        assert status["credentialStatus"][0] == {
            "name": "paid",
            "resolved": False,
            "reason": "Suspended",
        }
        await plane.until_condition("Programmed", "True")
        assert await chat(router) == 503


async def test_a_secret_that_is_named_later_is_read_then(plane: ControlPlane) -> None:
    other = {"name": "other", "type": "OpenAI", "secretRef": {"name": "later", "key": "k"}}
    await plane.apply(secret("keys", master=MASTER_KEY), secret("later", k="sk-later"))
    await plane.apply(routerconfig(MOCK, models={"m": "mock"}))
    async with plane.operator() as operator:
        await plane.until(lambda s: s["credentials"] == "1/1")
        await operator.until_metric("secrets", 2)
        await plane.apply(routerconfig(MOCK, other, models={"m": "mock"}))
        await plane.until(lambda s: s["credentials"] == "2/2")
        await operator.until_metric("secrets", 3)
        await plane.apply(routerconfig(MOCK, models={"m": "mock"}))
        await plane.until(lambda s: s["credentials"] == "1/1")
        await operator.until_metric("secrets", 2)
