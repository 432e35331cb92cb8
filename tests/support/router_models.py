"""What models a router lists, and patches of what it is to list."""

from __future__ import annotations

import asyncio
import json

from support.config import MASTER_KEY
from support.http_client import PATIENCE, http_client
from support.router import RouterProcess


async def models(router: RouterProcess, key: str = MASTER_KEY) -> list[str] | int:
    """The names that a router lists, or the status that says why it does not."""
    headers = {"authorization": f"Bearer {key}"}
    async with http_client(base_url=router.base_url, headers=headers) as client:
        answer = await client.get("/models")
    if answer.status_code != 200:
        return answer.status_code
    return [model["id"] for model in answer.json()["data"]]


async def until_models(
    router: RouterProcess, wanted: list[str] | int, key: str = MASTER_KEY
) -> None:
    """Wait until a router lists these."""
    found: list[str] | int = []
    try:
        async with asyncio.timeout(PATIENCE):
            while (found := await models(router, key)) != wanted:
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"the router lists {found}, not {wanted}") from None


def patch_models(*names: str) -> str:
    """A patch that declares these models and no others, all answered by a Mock."""
    models = [{"name": name, "backends": [{"credential": "mock"}]} for name in names]
    return json.dumps({"spec": {"models": models}})
