"""What tests of shared bans ask of routers: chats, and which bans they know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from support.config import MASTER_KEY
from support.http_client import PATIENCE, http_client
from support.router import RouterProcess

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
HEADERS = {"authorization": f"Bearer {MASTER_KEY}"}
CREDENTIAL = "shared"
NAMED = {"AIROUTER_HEALTH_NAMES": "true"}
RESILIENCE = {
    "retries": {"attempts": 0},
    "fail2ban": {"maxAttempts": 1, "banDuration": "10m", "maxBanDuration": "20m"},
}


def spec_of(base_url: str) -> dict[str, Any]:
    """A credential that may be banned, behind a Mock that answers in its place."""
    return {
        "credentials": [
            {
                "name": CREDENTIAL,
                "type": "OpenAICompatible",
                "baseURL": base_url,
                "secretRef": {"name": "providers", "key": "key"},
            },
            {"name": "mock", "type": "Mock", "priority": 1},
        ],
        "models": [
            {"name": "m", "backends": [{"credential": CREDENTIAL}, {"credential": "mock"}]},
        ],
        "resilience": RESILIENCE,
    }


async def chat(router: RouterProcess) -> str:
    """The backend that answers a chat."""
    async with http_client() as http:
        url = f"{router.base_url}/chat/completions"
        answer = await http.post(url, json=CHAT, headers=HEADERS)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-airouter-backend"].partition("/")[0]


async def admin(router: RouterProcess, method: str, **body: str) -> None:
    """Ban by hand, or lift the bans."""
    async with http_client() as http:
        url = f"{router.url}/admin/bans/{CREDENTIAL}"
        answer = await http.request(method, url, json=body or None, headers=HEADERS)
    assert answer.status_code == 200, answer.text


async def bans(router: RouterProcess) -> list[dict[str, Any]]:
    """The bans that a router knows."""
    credentials = (await router.health())["credentials"]
    (found,) = (each["bans"] for each in credentials if each["name"] == CREDENTIAL)
    return list(found)


async def until_all(
    routers: Iterable[RouterProcess], wanted: Callable[[list[dict[str, Any]]], bool]
) -> float:
    """Wait until all routers know such bans; returns the seconds that it took."""
    start = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        for router in routers:
            while not wanted(await bans(router)):
                await asyncio.sleep(0.02)
    return time.monotonic() - start
