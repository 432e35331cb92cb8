"""A client of sessions, by hand, for a router of one mock model."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from support.config import MASTER_KEY
from support.in_loop import Served
from support.mock_router import MODEL

KEY = {"authorization": f"Bearer {MASTER_KEY}"}
LAST = ("response.completed", "response.failed", "response.incomplete", "error")


def dial(router: Served, **options: Any) -> connect:
    options.setdefault("additional_headers", KEY)
    return connect(f"ws://127.0.0.1:{router.port}/v1/responses", proxy=None, **options)


async def say(connection: ClientConnection, **fields: Any) -> None:
    await connection.send(json.dumps({"type": "response.create", "model": MODEL, **fields}))


async def heard(connection: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(60):
        message: dict[str, Any] = json.loads(await connection.recv())
    return message


async def last(connection: ClientConnection, stream_id: str | None = None) -> dict[str, Any]:
    """The last event of the next response of a lane."""
    while True:
        event = await heard(connection)
        if event["type"] in LAST and event.get("stream_id") == stream_id:
            return event
