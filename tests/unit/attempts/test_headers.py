"""The headers that a provider and a client get, through a whole router."""

from __future__ import annotations

import asyncio

from support.chat_provider import (
    ANSWER,
    UPSTREAM_KEY,
    answer,
    http,
)
from support.in_loop import Served
from support.raw_upstream import RawUpstream


async def test_the_provider_gets_its_own_key_and_nothing_of_the_clients(
    router: Served, first: RawUpstream
) -> None:
    asking = asyncio.create_task(router.chat())
    _, request = await answer(first, http(200, ANSWER))
    head = request.partition(b"\r\n\r\n")[0].lower()
    assert f"authorization: bearer {UPSTREAM_KEY}".encode() in head
    assert b"sk-test-master" not in head
    assert b"accept-encoding: identity" in head
    await asking


async def test_the_clients_request_id_is_kept_and_passed_on(
    router: Served, first: RawUpstream
) -> None:
    router.client.headers["x-request-id"] = "mine-1"
    asking = asyncio.create_task(router.chat())
    _, request = await answer(first, http(200, ANSWER))
    assert b"\r\nx-request-id: mine-1\r\n" in request
    assert (await asking).headers["x-request-id"] == "mine-1"
