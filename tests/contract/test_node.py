"""The OpenAI SDK for Node as a client, with every provider."""

from __future__ import annotations

import asyncio
import json
import os
import sysconfig
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from contract.matrix.features import UPSTREAMS
from contract.matrix.world import World, model_of, world
from support.config import MASTER_KEY

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOLDER = Path(__file__).parent.parent / "clients" / "node"
SCRIPTS = sysconfig.get_path("scripts")
ENVIRONMENT = {**os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"}
"""Node.js comes with the packages of development."""
EXPECTED = {
    "streamed": {"first": "response.created", "last": "response.completed", "status": "completed"},
    "kept": {"same": True, "text": True, "items": ["message"], "gone": 404},
    "background": {"first": "queued", "status": "completed", "resumed": 2},
    "compacted": {"last": "compaction", "status": "completed"},
    "session": ["completed", "completed", "completed"],
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything() -> AsyncIterator[World]:
    async with world() as found:
        yield found


async def run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=FOLDER, env=ENVIRONMENT, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(240):
        out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode()


async def test_every_provider_is_one_for_the_sdk(everything: World) -> None:
    if not (FOLDER / "node_modules").exists():
        await run("npm", "ci", "--no-progress")
    models = [model_of(upstream) for upstream in UPSTREAMS]
    url = f"http://127.0.0.1:{everything.router.port}/v1"
    found: dict[str, Any] = json.loads(await run("node", "scenario.mjs", url, MASTER_KEY, *models))
    assert found == dict.fromkeys(models, EXPECTED)
