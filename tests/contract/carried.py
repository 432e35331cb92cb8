"""Clients and configurations of sessions that are carried through to a provider."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from openai import AsyncOpenAI
from websockets.asyncio.client import ClientConnection, connect

from contract.services.openai.responses import KEY, MODEL
from contract.services.openai.sessions import SessionsService
from support.config import MASTER_KEY, manifest
from support.in_loop import Served
from support.sdks import openai_sdk

BOTH = ["responses", "responses-ws"]
LAST = ("response.completed", "response.failed", "response.incomplete")
NO_RETRIES: dict[str, Any] = {"retries": {"attempts": 0}}
RETRIES: dict[str, Any] = {"retries": {"attempts": 2, "backoff": {"initial": "1ms", "max": "50ms"}}}


def credential(service: SessionsService, number: int = 0, **fields: Any) -> dict[str, Any]:
    """An account at a service."""
    return {
        "name": f"openai-{number}",
        "type": "OpenAI",
        "baseURL": service.base_url,
        "secretRef": {"name": "keys", "key": "openai"},
        "priority": number,
        "api": BOTH,
        **fields,
    }


def config(
    *services: SessionsService,
    key: str = KEY,
    resilience: dict[str, Any] | None = None,
    parameters: dict[str, Any] | None = None,
    **fields: Any,
) -> str:
    """A model `gpt` of all services, the first before the others."""
    credentials = [credential(each, number, **fields) for number, each in enumerate(services)]
    backends = [{"credential": each["name"], "upstreamName": MODEL} for each in credentials]
    model = {"name": "gpt", "backends": backends, "parameters": parameters or {}}
    return manifest(
        credentials, [model], secrets={"openai": key}, resilience=resilience or NO_RETRIES
    )


@contextlib.asynccontextmanager
async def session(router: Served) -> AsyncIterator[ClientConnection]:
    """A client's session, by hand."""
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    url = f"ws://127.0.0.1:{router.port}/v1/responses"
    async with connect(url, proxy=None, additional_headers=headers, max_size=None) as connection:
        yield connection


@contextlib.asynccontextmanager
async def sdk_of(url: str, key: str) -> AsyncIterator[AsyncOpenAI]:
    async with openai_sdk(url, key) as sdk:
        yield sdk


async def say(connection: ClientConnection, **fields: Any) -> None:
    fields = {"model": "gpt", "input": "Hi", "store": False, **fields}
    await connection.send(json.dumps({"type": "response.create", **fields}))


async def heard(connection: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(60):
        message: dict[str, Any] = json.loads(await connection.recv())
    return message


async def events(connection: ClientConnection) -> list[dict[str, Any]]:
    """All of one response; an error alone is all, where none has begun."""
    found = [await heard(connection)]
    while found[-1]["type"] not in LAST and found[0]["type"] != "error":
        found.append(await heard(connection))
    return found


async def ask(connection: ClientConnection, **fields: Any) -> dict[str, Any]:
    """The last event of a response."""
    await say(connection, **fields)
    return (await events(connection))[-1]


async def made(connection: ClientConnection, **fields: Any) -> str:
    """The id of a response that is good."""
    event = await ask(connection, **fields)
    assert event["type"] == "response.completed", event
    id_: str = event["response"]["id"]
    return id_


def sizes(service: SessionsService) -> list[int]:
    """How many items the input of each request had."""
    given = [said["input"] for said in service.said]
    return [1 if isinstance(each, str) else len(each) for each in given]
