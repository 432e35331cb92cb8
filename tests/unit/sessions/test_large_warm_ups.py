"""Sessions that say much before they ask: nobody else waits for it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.sync.client import connect

from support.config import mock_manifest
from support.in_loop import served
from support.loop_watch import loop_watched
from support.mock_sessions import KEY, LAST

MANY = [{"type": "function", "name": f"f{n}", "parameters": {}} for n in range(15_000)]
SAID: dict[str, Any] = {"tools": MANY, "instructions": "hello world " * 600_000}
SOME = 0.25
"""Share of the work: half of it was done in one go."""


def warm_up(port: int, said: dict[str, Any]) -> list[str]:
    """Warm a session up, and ask; return the types of the two last events."""
    with connect(
        f"ws://127.0.0.1:{port}/v1/responses",
        additional_headers=KEY,
        max_size=None,
        proxy=None,
        compression=None,
    ) as session:

        def ask(**fields: object) -> Any:
            session.send(json.dumps({"type": "response.create", "model": "m", **fields}))
            while (event := json.loads(session.recv(60)))["type"] not in LAST:
                pass
            return event

        first = ask(generate=False, input="hi", **said)
        second = ask(previous_response_id=first["response"]["id"], input="hi")
        return [first["type"], second["type"]]


@pytest.mark.parametrize("field", SAID)
async def test_a_large_warm_up_and_its_answer_are_made_bit_by_bit(field: str) -> None:
    async with served(mock_manifest("m")) as router, loop_watched() as watch:
        said = {field: SAID[field]}
        told = await asyncio.to_thread(warm_up, router.port, said)
    assert told == ["response.completed"] * 2
    assert watch.share < SOME
