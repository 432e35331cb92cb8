"""A router of one mock model, and OpenAI's SDK as its client."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from openai import AsyncOpenAI

from support.config import MASTER_KEY, manifest, mock_manifest
from support.in_loop import Served, served
from support.sdks import openai_sdk

MODEL = "m"


@contextlib.asynccontextmanager
async def client_of(router: Served, key: str = MASTER_KEY) -> AsyncIterator[AsyncOpenAI]:
    async with openai_sdk(f"http://127.0.0.1:{router.port}/v1", key) as client:
        yield client


@contextlib.asynccontextmanager
async def serving(config: str | None = None) -> AsyncIterator[tuple[Served, AsyncOpenAI]]:
    async with served(config or mock_manifest(MODEL)) as router, client_of(router) as client:
        yield router, client


def two_tenants() -> str:
    return manifest(
        [{"name": "mock", "type": "Mock"}],
        [{"name": MODEL, "backends": [{"credential": "mock"}]}],
        secrets={"a": "sk-tenant-a", "b": "sk-tenant-b"},
    ).replace(
        '"masterKey"',
        '"clients": [{"name": "a", "secretRef": {"name": "keys", "key": "a"}, "models": ["*"]},'
        ' {"name": "master", "secretRef": {"name": "keys", "key": "b"}, "models": ["*"]}],'
        ' "masterKey"',
        1,
    )
