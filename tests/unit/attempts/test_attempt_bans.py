"""What an attempt without a status counts as, for bans."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airouter.attempts.classifying import unanswered
from airouter.interfaces import EndedEarly
from airouter.routing.outcome import Retry
from support.chat_provider import END, HI, UPSTREAM_KEY, chunked, credential, event, http
from support.config import manifest
from support.in_loop import Served, served
from support.raw_upstream import RawUpstream


def told(kind: str, **fields: Any) -> bytes:
    """An event of Anthropic's."""
    return f"event: {kind}\n".encode() + event(type=kind, **fields)


BEGUN = (
    told("message_start", message={"id": "1", "type": "message", "role": "assistant"}),
    told("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    told("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hi"}),
)
"""A stream that has said something."""


def banning(upstream: RawUpstream, *statuses: int, **fields: Any) -> str:
    """Model `m`, whose only backend is banned at the first failure with one of some statuses."""
    rules = [{"statusCode": status, "maxAttempts": 1} for status in statuses]
    fail2ban = {"statusCodes": [], "onAuthFailure": "Count", "rules": rules}
    return manifest(
        [credential("c", upstream, **fields)],
        [{"name": "m", "backends": [{"credential": "c"}]}],
        secrets={"upstream": UPSTREAM_KEY},
        resilience={"fail2ban": fail2ban, "retries": {"attempts": 0}},
    )


def reasons(router: Served) -> list[str]:
    return [ban.reason for ban in router.router.bans.known(0.0)]


@pytest.mark.parametrize(("status", "expected"), [(503, ["connect_error"]), (502, [])])
async def test_no_connection_counts_as_503(
    first: RawUpstream, status: int, expected: list[str]
) -> None:
    nowhere = {"baseURL": "http://127.0.0.1:1/v1"}
    async with served(banning(first, status, **nowhere)) as router:
        assert (await router.chat()).status_code == 502
        assert reasons(router) == expected


async def test_a_timeout_counts_as_504(first: RawUpstream) -> None:
    hasty = {"timeouts": {"connect": "2s", "total": "2s"}}
    async with served(banning(first, 504, **hasty)) as router:
        assert (await router.chat()).status_code == 504
        assert reasons(router) == ["timeout"]


async def test_an_unreadable_answer_counts_as_502(first: RawUpstream) -> None:
    async with served(banning(first, 502)) as router:
        asking = asyncio.create_task(router.chat())
        conversation = await first.accept()
        await conversation.request()
        await conversation.say(b"nonsense\r\n\r\n")
        assert (await asking).status_code == 502
        assert reasons(router) == ["broken_reply"]


async def test_a_stream_that_breaks_off_counts_as_502(first: RawUpstream) -> None:
    async with served(banning(first, 502)) as router:
        asking = asyncio.create_task(router.chat(stream=True))
        conversation = await first.accept()
        await conversation.request()
        await conversation.say(chunked(HI))
        conversation.hang_up()
        assert (await asking).status_code == 200
        assert reasons(router) == ["broken_reply"]


async def test_an_error_inside_a_stream_counts_as_its_status(first: RawUpstream) -> None:
    seen = asyncio.Event()

    async def play() -> None:
        conversation = await first.accept()
        await conversation.request()
        await conversation.say(chunked(*BEGUN))
        await seen.wait()
        error = told("error", error={"type": "api_error", "message": "sorry"})
        await conversation.say(b"%x\r\n%b\r\n" % (len(error), error) + END)

    body = {"model": "m", "messages": [{"role": "user", "content": "Hello!"}], "stream": True}
    async with served(banning(first, 500, type="Anthropic", api=None)) as router:
        playing = asyncio.create_task(play())
        asking = router.client.stream("POST", "/v1/chat/completions", json=body)
        async with asking as answer:
            assert answer.status_code == 200
            async for _ in answer.aiter_bytes():
                seen.set()
        await playing
        assert reasons(router) == ["500"]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_counts_as_what_the_provider_answered(
    first: RawUpstream, status: int
) -> None:
    async with served(banning(first, status)) as router:
        asking = asyncio.create_task(router.chat())
        conversation = await first.accept()
        await conversation.request()
        await conversation.say(http(status, {"error": {"message": "no"}}))
        assert (await asking).status_code == 502
        assert reasons(router) == ["refused_key"]


async def test_the_code_of_an_error_is_the_providers(first: RawUpstream) -> None:
    spent = {"error": {"message": "no", "code": "insufficient_quota"}}
    text = banning(first).replace(
        '"rules": []', '"rules": [{"errorCode": "insufficient_quota", "maxAttempts": 1}]'
    )
    async with served(text) as router:
        asking = asyncio.create_task(router.chat())
        conversation = await first.accept()
        await conversation.request()
        await conversation.say(http(429, spent))
        assert (await asking).status_code == 429
        assert reasons(router) == ["insufficient_quota"]


async def test_a_pool_without_a_free_connection_counts_for_nothing(first: RawUpstream) -> None:
    text = banning(first, 502, 503, 504, timeouts={"connect": "3s"})
    async with served(text, max_upstream_connections=1) as router:
        holding = asyncio.create_task(router.chat())
        conversation = await first.accept()
        await conversation.request()
        assert (await router.chat()).json()["error"]["code"] == "connect_error"
        assert reasons(router) == []
        conversation.reset()
        await holding


def test_a_pod_that_fails_alone_is_no_failure_of_its_account_and_another_may_answer() -> None:
    error = EndedEarly("the connection was closed early")
    assert (unanswered(error).rests, unanswered(error).status) == (True, 502)
    error.of_one_pod = True
    outcome = unanswered(error)
    assert (outcome.rests, outcome.status, outcome.retry) == (False, 0, Retry.ANYWHERE)
