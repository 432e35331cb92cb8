"""One router process for all tests of the SDK."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from support.config import MASTER_KEY, manifest
from support.router import RouterProcess, router_process

TEAM_KEY = "sk-team-only-mock"


def mock(name: str, **settings: Any) -> dict[str, Any]:
    return {"name": name, "type": "Mock", "mock": settings}


def configuration() -> str:
    """A model for each behaviour, and a client that may not use them all."""
    mocks = [
        mock("echo"),
        mock("tool", reply='tool:get_weather {"city": "Paris"}'),
        mock("limited", errorPercent=100, errorStatus=429),
        mock("broken", errorPercent=100, errorStatus=500),
    ]
    models = [{"name": each["name"], "backends": [{"credential": each["name"]}]} for each in mocks]
    client = {"name": "team", "secretRef": {"name": "keys", "key": "team"}, "models": ["ec*"]}
    auth = {"masterKey": {"secretRef": {"name": "keys", "key": "master"}}, "clients": [client]}
    retries = {"retries": {"attempts": 1, "backoff": {"initial": "1ms", "max": "5ms"}}}
    secrets = {"team": TEAM_KEY}
    return manifest(mocks, models, secrets=secrets, auth=auth, resilience=retries)


@pytest.fixture(scope="session")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouterProcess]:
    """Runs in an event loop of its own that stands still while tests run."""
    folder: Path = tmp_path_factory.mktemp("clients")
    path = folder / "router.yaml"
    path.write_text(configuration())
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        process = runner.run(stack.enter_async_context(router_process(folder, "-f", str(path))))
        yield process
        runner.run(stack.aclose())


@pytest.fixture
def client(router: RouterProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=router.base_url, api_key=MASTER_KEY, max_retries=0) as client:
        yield client
