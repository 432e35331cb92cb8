"""A hundred changes under load: no request fails, and a stream that is open ends well."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from support.config import MOCK
from support.control_plane import ControlPlane
from support.http_client import PATIENCE, http_client
from support.resources import MASTER_KEY, routerconfig, secret
from support.router import RouterProcess
from support.router_models import models

CHANGES = 100
LOADERS = 4
WORDS = 400
SLOW: dict[str, Any] = {
    "name": "slow",
    "type": "Mock",
    "mock": {"reply": f"tokens:{WORDS}", "tokensPerSecond": 50},
}
HEADERS = {"authorization": f"Bearer {MASTER_KEY}"}


async def load(router: RouterProcess, stop: asyncio.Event, statuses: list[int]) -> None:
    body = {"model": "steady", "messages": [{"role": "user", "content": "Hi"}]}
    async with http_client(base_url=router.base_url, headers=HEADERS) as client:
        while not stop.is_set():
            statuses.append((await client.post("/chat/completions", json=body)).status_code)


async def stream(router: RouterProcess, begun: asyncio.Event) -> list[str]:
    """The data lines of one long answer."""
    body = {"model": "slow", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    lines = []
    async with (
        http_client(base_url=router.base_url, headers=HEADERS) as client,
        client.stream("POST", "/chat/completions", json=body) as response,
    ):
        async for line in response.aiter_lines():
            begun.set()
            if line:
                lines.append(line)
    return lines


async def test_no_request_fails_while_a_hundred_changes_go_through(plane: ControlPlane) -> None:
    config = routerconfig(MOCK, SLOW, models={"steady": "mock", "slow": "slow"})
    await plane.apply(config, secret("keys", master=MASTER_KEY))
    async with plane.operator(), plane.router() as router:
        await plane.until_condition("Ready", "True")
        begun, stop = asyncio.Event(), asyncio.Event()
        statuses: list[int] = []
        streaming = asyncio.create_task(stream(router, begun))
        await asyncio.wait_for(begun.wait(), PATIENCE)
        loading = [asyncio.create_task(load(router, stop, statuses)) for _ in range(LOADERS)]
        for number in range(CHANGES):
            config["spec"]["models"][1:] = [
                {"name": name, "backends": [{"credential": "mock"}]}
                for name in (f"model-{number}", f"other-{number}")
            ]
            config["spec"]["credentials"][1:] = [SLOW] if number % 2 else []
            await plane.patch(json.dumps({"spec": config["spec"]}))
        await plane.until_condition("Programmed", "True")
        stop.set()
        await asyncio.gather(*loading)
        lines = await asyncio.wait_for(streaming, PATIENCE)
        assert await models(router) == ["steady", "model-99", "other-99"]
        assert set(statuses) == {200}
        assert len(statuses) > CHANGES
        assert lines[-1] == "data: [DONE]"
        assert sum('"content"' in line for line in lines) >= WORDS
