"""The stream server, as any client may ask it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from airouter.config.store import SnapshotStore
from airouter.sources.stream import StreamSource
from support.stream_control import (
    KEY,
    TOKEN,
    StreamControl,
    ask,
    following_router,
    model,
    stream_control,
)


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", f"Basic {TOKEN}", "Bearer é"])
async def test_a_wrong_token_learns_nothing(authorization: str) -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        known = await ask(operator, authorization=authorization)
        operator.channels.withdraw(KEY)
        unknown = await ask(operator, authorization=authorization)
        assert (known.status_code, known.content) == (401, b"")
        assert (unknown.status_code, unknown.content) == (401, b"")
        assert operator.pods.count() == 0


async def test_the_token_of_another_routerconfig_is_a_wrong_token() -> None:
    async with stream_control() as operator:
        assert (await ask(operator)).status_code == 401


async def test_an_operator_that_has_just_started_asks_for_patience() -> None:
    async with stream_control(hold=0.1) as operator:
        operator.ready = False
        answer = await ask(operator)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "0")


async def test_a_replica_that_no_longer_leads_sends_pods_away_whatever_it_still_has() -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        operator.leads, operator.another_leads = False, True
        operator.ready = False
        answer = await ask(operator)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "0")


async def test_a_pod_that_meets_a_replica_while_nobody_leads_has_news_once_it_leads() -> None:
    async with stream_control(hold=60) as operator:
        operator.publish("one", 1)
        operator.leads = operator.ready = False
        asking = asyncio.create_task(ask(operator))
        async with asyncio.timeout(60):
            while not operator.server.standing_by:
                await asyncio.sleep(0.01)
        operator.leads = True
        assert (await asking).headers["x-snapshot-version"]


async def test_a_pod_that_meets_a_replica_while_nobody_leads_is_sent_to_another_that_does() -> None:
    async with stream_control(hold=60) as operator:
        operator.leads = operator.ready = False
        asking = asyncio.create_task(ask(operator))
        async with asyncio.timeout(60):
            while not operator.server.standing_by:
                await asyncio.sleep(0.01)
        operator.another_leads = True
        assert (await asking).status_code == 503


DEEP = b'{"pod":"a","more":' + b"[" * 4000


@pytest.mark.parametrize("poll", [b"", b"[]", b'{"pod":"a/b"}', b'{"pod":1}', b"\xff", DEEP])
async def test_a_poll_that_is_none_gets_a_400(poll: bytes) -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        assert (await ask(operator, poll)).status_code == 400
        assert operator.pods.count() == 0


async def test_a_poll_that_does_not_end_is_not_waited_for() -> None:
    async with stream_control(hold=0.1) as operator:
        operator.publish("one", 1)
        tls = ssl.create_default_context(cadata=operator.stream.ca)
        reader, writer = await asyncio.open_connection("127.0.0.1", operator.port, ssl=tls)
        writer.write(
            f"POST /v1/snapshots/ai/default HTTP/1.1\r\nHost: operator\r\n"
            f"Authorization: Bearer {TOKEN}\r\nContent-Length: 100\r\n\r\n{{".encode()
        )
        async with asyncio.timeout(30):
            assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()


async def test_a_poll_of_any_size_is_not_read() -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        assert (await ask(operator, b'{"pod":"' + b"p" * 100_000)).status_code == 413


async def test_more_pods_than_there_may_be_are_asked_to_come_later() -> None:
    async with stream_control(most=1) as operator:
        operator.publish("one", 1)
        async with following_router(operator.stream, "first") as (store, _):
            await operator.until(lambda: model(store) == "one")
            assert (await ask(operator, b'{"pod":"second"}')).status_code == 503


@asynccontextmanager
async def searching_pod(
    operator: StreamControl, store: SnapshotStore
) -> AsyncIterator[list[float]]:
    """A pod that polls; yields its pauses (seconds), none of which it waits for."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    source = StreamSource(store, "pod-0", sleep=sleep, random=lambda: 1.0)
    source.follow(operator.stream)
    running = asyncio.create_task(source.run())
    try:
        async with asyncio.timeout(60):
            yield pauses
    finally:
        running.cancel()


async def test_a_pod_that_meets_replicas_that_do_not_lead_soon_tries_another() -> None:
    store = SnapshotStore(lambda snapshot: None)
    async with stream_control() as operator:
        operator.publish("one", 1)
        operator.leads, operator.another_leads = False, True
        async with searching_pod(operator, store) as pauses:
            while len(pauses) < 8:
                await asyncio.sleep(0.01)
            operator.leads = True
            while model(store) != "one":
                await asyncio.sleep(0.01)
            assert max(pauses) < 0.1


async def test_a_pod_that_nobody_knows_comes_back_later_and_later() -> None:
    async with (
        stream_control() as operator,
        searching_pod(operator, SnapshotStore(lambda snapshot: None)) as pauses,
    ):
        while len(pauses) < 12:
            await asyncio.sleep(0.01)
        assert pauses == sorted(pauses)
        assert pauses[-1] == 5
