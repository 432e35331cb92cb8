"""The Secrets of a namespace: those that a RouterConfig names are held, and no others."""

from __future__ import annotations

import asyncio
import base64
import os

import pytest

from airouter_operator.kube.paths import secrets_in
from support.config import MOCK
from support.control_plane import ControlPlane
from support.resources import MASTER_KEY, routerconfig, secret
from support.router_models import patch_models

UNRELATED = int(os.environ.get("UNRELATED_SECRETS", "300"))
AT_A_TIME = 20
MEGABYTE = base64.b64encode(os.urandom(1_000_000)).decode()
MOST_MEMORY = 150_000_000

pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")


@pytest.fixture
async def crowded(plane: ControlPlane) -> ControlPlane:
    """A namespace full of Secrets that no RouterConfig names, a megabyte each."""
    slots = asyncio.Semaphore(AT_A_TIME)

    async def create(number: int) -> None:
        async with slots:
            body = {**secret(f"unrelated-{number}"), "data": {"blob": MEGABYTE}}
            await plane.client.create(secrets_in(plane.namespace), body)

    await asyncio.gather(*map(create, range(UNRELATED)))
    await plane.apply(routerconfig(MOCK, models={"m": "mock"}), secret("keys", master=MASTER_KEY))
    return plane


async def test_secrets_that_nobody_names_take_no_memory(crowded: ControlPlane) -> None:
    for run in ("first", "again"):
        async with crowded.operator(RESYNC="0.5") as operator:
            await crowded.until_condition("Accepted", "True")
            await touch_unrelated(crowded, run)
            await crowded.patch(patch_models(run))
            await crowded.until_condition("Accepted", "True")
            assert await operator.metric("secrets") == 2
            assert operator.peak_memory() < MOST_MEMORY


async def touch_unrelated(plane: ControlPlane, value: str) -> None:
    """Change some of the Secrets, so that watches report them."""
    for number in range(AT_A_TIME):
        body = secret(f"unrelated-{number}")
        del body["stringData"]
        body["metadata"]["labels"] = {"touched": value}
        await plane.client.apply(f"{secrets_in(plane.namespace)}/unrelated-{number}", body)


async def test_a_secret_that_is_named_later_is_read_then(plane: ControlPlane) -> None:
    other = {"name": "other", "type": "OpenAI", "secretRef": {"name": "later", "key": "k"}}
    await plane.apply(secret("keys", master=MASTER_KEY), secret("later", k="sk-later"))
    await plane.apply(routerconfig(MOCK, models={"m": "mock"}))
    async with plane.operator() as operator:
        await plane.until(lambda s: s["credentials"] == "1/1")
        assert await operator.metric("secrets") == 2
        await plane.apply(routerconfig(MOCK, other, models={"m": "mock"}))
        await plane.until(lambda s: s["credentials"] == "2/2")
        assert await operator.metric("secrets") == 3
        await plane.apply(routerconfig(MOCK, models={"m": "mock"}))
        await plane.until(lambda s: s["credentials"] == "1/1")
        assert await operator.metric("secrets") == 2
