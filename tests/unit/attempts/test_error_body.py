"""Errors whose bodies do not come: the status says enough, and nobody waits for the rest."""

from __future__ import annotations

import asyncio

import pytest

from airouter.attempts import error_body
from support.chat_provider import ANSWER, answer, config, http
from support.in_loop import Served, served
from support.raw_upstream import RawUpstream

SECONDS = 0.05
HALF = '{"error": {"message": '


@pytest.mark.parametrize("status", [302, 401, 403, 408, 429, 500, 503])
@pytest.mark.parametrize("body", ["", HALF])
@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_that_stalls_in_its_body_moves_on(
    router: Served,
    first: RawUpstream,
    second: RawUpstream,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: str,
    *,
    stream: bool,
) -> None:
    monkeypatch.setattr(error_body, "LONGEST", SECONDS)
    asking = asyncio.create_task(router.chat(stream=stream))
    conversation, _ = await answer(first, head(status, 99) + body.encode())
    await answer(second, http(200, ANSWER))
    response = await asking
    assert response.status_code == 200
    assert response.headers["x-airouter-attempts"] == "2"
    await conversation.gone()


async def test_a_client_is_told_the_status_of_an_error_whose_body_is_cut(
    first: RawUpstream,
) -> None:
    retries = {"attempts": 0}
    async with served(config(first, resilience={"retries": retries})) as router:
        asking = asyncio.create_task(router.chat())
        conversation, _ = await answer(first, head(429, 99, "retry-after: 7") + HALF.encode())
        conversation.hang_up()
        response = await asking
    assert response.status_code == 429
    assert response.headers["retry-after"] == "7"
    assert response.json()["error"]["message"] == "The upstream answered with status 429."


async def test_a_refusal_that_only_its_body_explains_is_asked_for_elsewhere(
    router: Served, first: RawUpstream, second: RawUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_body, "LONGEST", SECONDS)
    asking = asyncio.create_task(router.chat())
    await answer(first, head(400, 99) + HALF.encode())
    await answer(second, http(200, ANSWER))
    assert (await asking).json() == ANSWER


def head(status: int, length: int, *more: str) -> bytes:
    """Write the head of an error with a body of so many bytes."""
    lines = [f"HTTP/1.1 {status} No", "content-type: application/json", *more]
    return "\r\n".join([*lines, f"content-length: {length}", "", ""]).encode()
