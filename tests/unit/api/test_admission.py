"""Every door of a router: whose body comes in, and how much of all of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from airouter.eventloop.turns import Turns, Work
from support.config import MASTER_KEY, mock_manifest
from support.in_loop import Served, served
from support.mock_router import MODEL, two_tenants
from support.mock_sessions import KEY, dial, heard, last, say

MIB = 1 << 20
HOT = ("/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings")
COLD = ("/v1/conversations", "/v1/chat/completions?a=b", "/v1/conversations/conv_1/items")
CHUNKED = "transfer-encoding: chunked"
FRAMINGS = ("content-length: 30", "content-length: 300000", "content-length: 32000000", CHUNKED)
UPGRADE = (
    "upgrade: websocket",
    "connection: Upgrade",
    "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
    "sec-websocket-version: 13",
)


def head(path: str, *lines: str, method: str = "POST", key: str | None = MASTER_KEY) -> bytes:
    given = [] if key is None else [f"authorization: Bearer {key}"]
    return "\r\n".join([f"{method} {path} HTTP/1.1", "host: x", *given, *lines, "", ""]).encode()


@contextlib.asynccontextmanager
async def sent(router: Served, data: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """What a router says to bytes on a connection that stays open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", router.port)
    try:
        writer.write(data)
        async with asyncio.timeout(60):
            yield reader
    finally:
        writer.transport.abort()


async def answer(router: Served, data: bytes) -> tuple[int, bytes, bytes]:
    """The status, the head and the body of the answer to a request whose body does not come."""
    async with sent(router, data) as reader:
        found = await reader.readuntil(b"\r\n\r\n")
        size = next(each for each in found.lower().split(b"\r\n") if b"content-length" in each)
        body = await reader.readexactly(int(size.split(b":")[1]))
        return int(found.split()[1]), found, body


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not happened():
            await asyncio.sleep(0.01)


@pytest.fixture
async def router() -> AsyncIterator[Served]:
    async with served(mock_manifest(MODEL)) as router:
        yield router


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("path", HOT + COLD)
@pytest.mark.parametrize("key", [None, "wrong"])
async def test_who_has_no_key_is_told_at_the_head(
    router: Served, path: str, framing: str, key: str | None
) -> None:
    status, _, body = await answer(router, head(path, framing, key=key))
    assert status == 401
    assert (b'"type":"authentication_error"' in body) == (path == "/v1/messages")
    found = b"Incorrect API key" if key else b"provide an API key"
    assert found in body


@pytest.mark.parametrize("path", HOT + COLD)
async def test_who_has_no_key_is_not_asked_for_a_body(router: Served, path: str) -> None:
    data = head(path, "content-length: 30", "expect: 100-continue", key="wrong")
    assert (await answer(router, data))[0] == 401
    data = head(path, "content-length: 30", "expect: 100-continue")
    async with sent(router, data) as reader:
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"


async def test_a_refusal_at_the_head_is_counted_like_others(router: Served) -> None:
    for framing in FRAMINGS:
        await answer(router, head("/v1/chat/completions", framing, key="wrong"))
    text = (await router.client.get("/metrics")).text
    lines = [line for line in text.splitlines() if 'status="401"' in line and "_total" in line]
    assert sum(float(line.rsplit(" ", 1)[1]) for line in lines) == 4.0, lines


@pytest.mark.parametrize("path", ["/health", "/vhealth", "/metrics"])
async def test_what_needs_no_key_is_answered_without(router: Served, path: str) -> None:
    assert (await answer(router, head(path, method="GET", key=None)))[0] == 200
    twice = head(path, "authorization: Bearer x", method="GET")
    assert (await answer(router, twice))[0] == 200


@pytest.mark.parametrize(
    ("path", "method", "lines"),
    [
        ("/v1/chat/completions", "POST", ("content-length: 2",)),
        ("/v1/messages", "POST", ("content-length: 2000000",)),
        ("/v1/responses", "POST", (CHUNKED,)),
        ("/v1/conversations", "POST", ("content-length: 2",)),
        ("/v1/models", "GET", ()),
        ("/v1/responses/resp_1", "GET", ()),
        ("/v1/usage", "GET", ()),
        ("/v1/responses", "GET", UPGRADE),
    ],
)
async def test_two_keys_are_none(
    router: Served, path: str, method: str, lines: tuple[str, ...]
) -> None:
    for second in (f"Authorization: Bearer {MASTER_KEY}", "authorization: Bearer wrong"):
        status, _, body = await answer(router, head(path, second, *lines, method=method))
        assert (status, b"must have one key" in body) == (400, True)


async def test_a_whole_request_with_two_keys_is_refused(router: Served) -> None:
    data = head("/v1/chat/completions", "authorization: Bearer other", "content-length: 2") + b"{}"
    assert (await answer(router, data))[0] == 400


@pytest.mark.parametrize("path", HOT)
@pytest.mark.parametrize("framing", ["content-length: 900000", "content-length: 1900000"])
async def test_what_is_in_hand_is_bounded_and_others_get_in(path: str, framing: str) -> None:
    settings = {"max_held_bytes": 8 * MIB, "max_body_bytes": 2 * MIB}
    async with served(two_tenants(), **settings) as router, contextlib.AsyncExitStack() as open_:
        data = head(path, framing, key="sk-tenant-a")
        for _ in range(4_000_000 // int(framing.split()[1])):
            await open_.enter_async_context(sent(router, data))
        statuses = [await answer(router, data) for _ in range(3)]
        assert {status for status, _, _ in statuses} == {503}
        assert all(b"retry-after: 1" in found for _, found, _ in statuses)
        other = {"authorization": "Bearer sk-tenant-b"}
        body = {"model": MODEL, "messages": [{"role": "user", "content": "x" * MIB}]}
        got = await router.client.post("/v1/chat/completions", json=body, headers=other)
        assert got.status_code == 200


async def test_a_body_in_chunks_that_grows_too_large_for_its_client_is_refused() -> None:
    settings = {"max_held_bytes": 12 * MIB, "max_body_bytes": 2 * MIB}
    async with served(two_tenants(), **settings) as router, contextlib.AsyncExitStack() as open_:
        data = head("/v1/chat/completions", CHUNKED, key="sk-tenant-a")
        chunk = b"%x\r\n" % MIB + b"x" * MIB + b"\r\n"
        readers = [await open_.enter_async_context(sent(router, data + chunk)) for _ in range(4)]
        answers = [asyncio.create_task(each.readuntil(b"\r\n")) for each in readers]
        (done, waiting) = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        assert all(b" 503 " in task.result() for task in done)
        for task in waiting:
            task.cancel()


async def test_what_was_held_is_given_back_with_the_answer() -> None:
    async with served(mock_manifest(MODEL, reply="text:x"), max_held_bytes=8 * MIB) as router:
        held = router.router.admission.held
        for size in (50_000, 1_500_000):
            body = {"model": MODEL, "messages": [{"role": "user", "content": "x" * size}]}
            for path in ("/v1/chat/completions", "/v1/conversations"):
                for key in (MASTER_KEY, "wrong"):
                    given = {"authorization": f"Bearer {key}"}
                    await router.client.post(path, json=body, headers=given)
        async with dial(router) as connection:
            await say(connection, input="x" * 1_500_000)
            assert (await last(connection))["type"] == "response.completed"
        async with asyncio.timeout(30):
            while held.held:
                await asyncio.sleep(0.01)


async def test_messages_of_sessions_are_in_hand_too() -> None:
    settings = {"max_held_bytes": 12 * MIB, "max_body_bytes": 2 * MIB}
    async with served(mock_manifest(MODEL, reply="text:x"), **settings) as router:
        async with contextlib.AsyncExitStack() as open_:
            sessions = [
                await open_.enter_async_context(dial(router, compression=deflated))
                for deflated in (*[None] * 5, "deflate")
            ]
            part = '{"type":"response.create","input":"' + "x" * (1_500_000 - 40)
            held = router.router.admission.held

            async def begin() -> AsyncIterator[str]:
                yield part
                await asyncio.Event().wait()

            begun = [asyncio.create_task(each.send(begin())) for each in sessions[:4]]
            await until(lambda: held.held >= 4 * len(part))
            for session in sessions[4:]:
                await say(session, input="x" * 1_500_000)
                event = await heard(session)
                assert (event["type"], event["status"]) == ("error", 503)
                assert event["error"]["headers"] == {"retry-after": "1"}
                await session.wait_closed()
                assert session.close_code == 1013
            for task in begun:
                task.cancel()
        await until(lambda: not held.held)
        async with dial(router, additional_headers=KEY) as session:
            await say(session, input="x" * 1_500_000)
            assert (await last(session))["type"] == "response.completed"


class LateTurns(Turns):
    """Turns that come once they are let go."""

    late: list[Work] | None = None

    def share(self, work: Work) -> None:
        if self.late is None:
            super().share(work)
        else:
            self.late.append(work)

    def let_go(self) -> None:
        late, self.late = self.late or [], None
        for work in late:
            self.share(work)


async def test_what_sessions_send_at_once_is_in_hand_before_any_of_it_is_parsed() -> None:
    settings = {"max_held_bytes": 3 * MIB, "max_body_bytes": MIB // 2}
    async with served(mock_manifest(MODEL), **settings) as router:
        router.router.sessions.turns = turns = LateTurns(asyncio.get_running_loop())
        held = router.router.admission.held
        async with contextlib.AsyncExitStack() as open_:
            sessions = [
                await open_.enter_async_context(dial(router, compression=None)) for _ in range(40)
            ]
            assert len(router.router.sessions.open) == 40
            turns.late = []
            saying = [asyncio.create_task(say(each, input="x" * 300_000)) for each in sessions]
            await until(lambda: len(router.router.sessions.open) < 40)
            assert 0 < held.held <= 3 * MIB // 2
            turns.let_go()
            for task in saying:
                task.cancel()
            await asyncio.gather(*saying, return_exceptions=True)
            for session in sessions:
                session.transport.abort()
        await until(lambda: not held.held)
