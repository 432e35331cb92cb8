"""The strict OpenAI, and a router in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from contract.services.openai.service import KEY, OpenAIService, openai_service
from support.config import manifest
from support.in_loop import Served, served
from support.sdks import openai_sdk

MODELS = {
    "gpt": "gpt-4o-2024-11-20",
    "instruct": "gpt-3.5-turbo-instruct",
    "embedding": "text-embedding-3-small",
    "old-embedding": "text-embedding-ada-002",
    "gone": "gpt-3",
}


@pytest.fixture
async def service() -> AsyncIterator[OpenAIService]:
    async with openai_service() as service:
        yield service


@pytest.fixture
async def direct(service: OpenAIService) -> AsyncIterator[openai.AsyncOpenAI]:
    """The SDK at the service itself."""
    async with openai_sdk(service.base_url, KEY) as client:
        yield client


def config(service: OpenAIService) -> str:
    """Every model of the service under a name of our own."""
    credential: dict[str, Any] = {
        "name": "openai",
        "type": "OpenAI",
        "baseURL": service.base_url,
        "secretRef": {"name": "keys", "key": "openai"},
    }
    models = [
        {"name": name, "backends": [{"credential": "openai", "upstreamName": upstream}]}
        for name, upstream in MODELS.items()
    ]
    retries = {"retries": {"attempts": 1, "backoff": {"initial": "1ms", "max": "50ms"}}}
    return manifest([credential], models, secrets={"openai": KEY}, resilience=retries)


@pytest.fixture
async def router(service: OpenAIService) -> AsyncIterator[Served]:
    async with served(config(service)) as router:
        yield router


@pytest.fixture
async def client(router: Served) -> AsyncIterator[openai.AsyncOpenAI]:
    """The SDK at the router."""
    async with openai_sdk(f"http://127.0.0.1:{router.port}/v1") as client:
        yield client
