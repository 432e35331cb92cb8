"""From the operator's port to a router's store and back, over real TLS."""

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import AsyncIterator

import msgspec
import pytest
import trustme

from airouter.config.delivery import Stream
from airouter.config.store import SnapshotStore
from airouter.sources.stream import StreamSource
from support.stream_control import (
    KEY,
    TOKEN,
    following_router,
    model,
    stream_control,
)


@contextlib.asynccontextmanager
async def service(*ports: int) -> AsyncIterator[int]:
    """A port that leads to one of several, another one for each connection."""
    following = itertools.cycle(ports)

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_connection("127.0.0.1", next(following))
        async with asyncio.TaskGroup() as group:
            group.create_task(pass_on(reader, downstream))
            group.create_task(pass_on(upstream, writer))

    server = await asyncio.start_server(lead, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Everything, until one of both ends."""
    with contextlib.suppress(OSError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    writer.close()


async def test_a_snapshot_is_there_at_once_and_its_version_comes_back() -> None:
    async with stream_control() as operator:
        version = operator.publish("one", 1)
        async with following_router(operator.stream) as (store, source):
            await operator.until(lambda: operator.pods.tally(KEY, version).programmed == 1)
            assert model(store) == "one"
            assert source.state.connected
            second = operator.publish("two", 2)
            await operator.until(lambda: operator.pods.tally(KEY, second).programmed == 1)
            assert model(store) == "two"


async def test_every_pod_gets_a_change() -> None:
    async with stream_control() as operator, contextlib.AsyncExitStack() as stack:
        operator.publish("one", 1)
        names = [f"pod-{number}" for number in range(8)]
        stores = [
            (await stack.enter_async_context(following_router(operator.stream, name)))[0]
            for name in names
        ]
        await operator.until(lambda: operator.pods.tally(KEY, "").connected == 8)
        version = operator.publish("two", 2)
        await operator.until(lambda: operator.pods.tally(KEY, version).programmed == 8)
        assert {model(store) for store in stores} == {"two"}


async def test_a_poll_without_news_ends_after_a_while_and_begins_anew() -> None:
    async with stream_control(hold=0.05) as operator:
        operator.publish("one", 1)
        async with following_router(operator.stream) as (store, source):
            await operator.until(lambda: model(store) == "one")
            await asyncio.sleep(0.2)
            version = operator.publish("two", 2)
            await operator.until(lambda: operator.pods.tally(KEY, version).programmed == 1)
            assert source.state.error == ""


async def test_a_snapshot_that_cannot_be_read_is_refused_by_its_version() -> None:
    async with stream_control() as operator:
        good = operator.publish("one", 1)
        async with following_router(operator.stream) as (store, _):
            await operator.until(lambda: operator.pods.tally(KEY, good).programmed == 1)
            bad = operator.publish("two", 2, packed=b"no gzip")
            await operator.until(lambda: bool(operator.pods.tally(KEY, bad).rejections))
            (rejection,) = operator.pods.tally(KEY, bad).rejections
            assert rejection.reason == "is not gzip"
            assert model(store) == "one"
            version = operator.publish("three", 3)
            await operator.until(lambda: operator.pods.tally(KEY, version).programmed == 1)
            assert operator.pods.tally(KEY, bad).rejections == ()


async def test_a_router_that_has_something_newer_keeps_it() -> None:
    async with stream_control() as operator:
        operator.publish("old", 1)
        async with following_router(operator.stream) as (store, _):
            await operator.until(lambda: model(store) == "old")
            operator.publish("newest", 9)
            await operator.until(lambda: model(store) == "newest")
            operator.publish("older", 5)
            await asyncio.sleep(0.05)
            assert model(store) == "newest"


async def test_a_router_that_a_standby_turns_away_finds_the_replica_that_leads() -> None:
    async with (
        stream_control() as standby,
        stream_control() as leader,
        service(standby.port, leader.port) as port,
    ):
        version = leader.publish("one", 1)
        standby.ready = False
        url = leader.stream.url.replace(str(leader.port), str(port))
        stream = Stream(url, standby.stream.ca + leader.stream.ca, TOKEN)
        async with following_router(stream) as (store, source):
            await leader.until(lambda: leader.pods.tally(KEY, version).programmed == 1)
            assert source.state.connected
            assert model(store) == "one"


async def test_a_router_outlives_its_operator_and_finds_it_again() -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        async with following_router(operator.stream) as (store, source):
            await operator.until(lambda: model(store) == "one")
            await operator.server.close()
            async with asyncio.timeout(30):
                while source.state.connected:
                    await asyncio.sleep(0.01)
            assert model(store) == "one"
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            operator.ca.issue_cert("127.0.0.1").configure_cert(tls)
            await operator.server.start("127.0.0.1", operator.port, tls)
            version = operator.publish("two", 2)
            await operator.until(lambda: operator.pods.tally(KEY, version).programmed == 1)
            assert source.state.connected


async def test_a_stranger_who_answers_at_that_address_is_not_believed() -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        stranger = trustme.CA().cert_pem.bytes().decode()
        stream = msgspec.structs.replace(operator.stream, ca=stranger)
        async with following_router(stream) as (store, source):
            async with asyncio.timeout(30):
                while not source.state.error:
                    await asyncio.sleep(0.01)
            assert (source.state.error or "").startswith("the certificate is not trusted: ")
            assert model(store) == ""


@pytest.mark.parametrize(
    "broken",
    [
        {"ca": "no certificate"},
        {"url": "https://127.0.0.1:84434/v1/snapshots/ai/default"},
        {"url": "https://[127.0.0.1/"},
        {"url": "https://.127.0.0.1/"},
        {"token": "two\r\nlines"},
    ],
)
async def test_an_address_that_cannot_be_used_is_left_for_the_next_one(
    broken: dict[str, str],
) -> None:
    async with stream_control() as operator:
        version = operator.publish("one", 1)
        stream = msgspec.structs.replace(operator.stream, **broken)
        async with following_router(stream) as (store, source):
            async with asyncio.timeout(30):
                while not source.state.error:
                    await asyncio.sleep(0.01)
            source.follow(operator.stream)
            await operator.until(lambda: operator.pods.tally(KEY, version).programmed == 1)
            assert model(store) == "one"


async def test_a_router_waits_longer_after_each_failure_and_not_for_ever() -> None:
    pauses: list[float] = []
    enough = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 12:
            enough.set()
            await asyncio.Event().wait()

    source = StreamSource(SnapshotStore(lambda _: None), "pod", sleep=sleep, random=lambda: 1.0)
    ca = trustme.CA().cert_pem.bytes().decode()
    source.follow(Stream("https://127.0.0.1:1/", ca, TOKEN))
    task = asyncio.create_task(source.run())
    await asyncio.wait_for(enough.wait(), 30)
    task.cancel()
    assert pauses[:4] == pytest.approx([0.2, 0.3, 0.45, 0.675])
    assert max(pauses) == 5.0


def shas(store: SnapshotStore) -> list[str]:
    """The keys that a router takes."""
    return [] if store.current is None else [c.key_sha256 for c in store.current.auth.clients]


async def test_a_pod_that_runs_the_snapshot_before_gets_just_the_keys_that_changed() -> None:
    async with stream_control() as operator:
        first = operator.publish_keys("a", "b", serial=1)
        async with following_router(operator.stream) as (store, _):
            await operator.until(lambda: operator.pods.tally(KEY, first.version).programmed == 1)
            second = operator.publish_keys("a", "c", serial=2, since=first, packed=b"not this")
            await operator.until(lambda: operator.pods.tally(KEY, second.version).programmed == 1)
            assert store.current == second


async def test_a_pod_that_runs_another_snapshot_gets_all_of_it() -> None:
    async with stream_control() as operator:
        first = operator.publish_keys("a", "b", serial=1)
        async with following_router(operator.stream) as (store, _):
            await operator.until(lambda: operator.pods.tally(KEY, first.version).programmed == 1)
            unknown = msgspec.structs.replace(first, version="another")
            second = operator.publish_keys("a", "c", serial=2, since=unknown)
            await operator.until(lambda: operator.pods.tally(KEY, second.version).programmed == 1)
            assert shas(store) == ["sha of a", "sha of c"]


async def test_what_is_read_from_its_secret_again_still_travels_as_changes() -> None:
    async with stream_control() as operator:
        first = operator.publish_keys("a", "b", serial=1)
        async with following_router(operator.stream) as (store, _):
            await operator.until(lambda: operator.pods.tally(KEY, first.version).programmed == 1)
            operator.leads = False
            operator.publish_keys("a", "c", serial=2, since=first, packed=b"not this")
            second = operator.publish_keys("a", "c", serial=2, packed=b"not this")
            operator.leads = True
            await operator.until(lambda: operator.pods.tally(KEY, second.version).programmed == 1)
            assert store.current == second


async def test_changes_of_a_snapshot_that_another_source_has_replaced_are_left_aside() -> None:
    async with stream_control() as operator:
        first = operator.publish_keys("a", serial=1)
        async with following_router(operator.stream) as (store, source):
            await operator.until(lambda: operator.pods.tally(KEY, first.version).programmed == 1)
            polled = store.current
            mounted = msgspec.structs.replace(first, version="mounted", serial=2)
            store.current = mounted
            second = operator.publish_keys("a", "c", serial=3, since=first)
            await operator.until(lambda: operator.pods.tally(KEY, second.version).programmed == 1)
            assert polled == first
            assert store.current == second
            assert source.state.connected
