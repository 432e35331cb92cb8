"""The stream, from the operator's port to a router's store, over real TLS."""

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx
import msgspec
import pytest
import trustme

from airouter.config.delivery import Poll, Stream, pack
from airouter.config.snapshot import Model, Snapshot
from airouter.config.store import Store
from airouter.sources.stream import StreamSource
from airouter_operator.kube import Key
from airouter_operator.pods import Pods
from airouter_operator.publish import Publication, Record
from airouter_operator.stream import StreamServer

KEY = Key("ai", "default")
TOKEN = "token-of-ai-default"


@dataclass
class Control:
    """An operator's stream and what it was told."""

    server: StreamServer
    pods: Pods
    ca: trustme.CA
    port: int = 0
    ready: bool = True
    leads: bool = True
    changed: asyncio.Queue[Key] = field(default_factory=asyncio.Queue)
    acknowledged: int = 0

    @property
    def stream(self) -> Stream:
        url = f"https://127.0.0.1:{self.port}/v1/snapshots/{KEY.namespace}/{KEY.name}"
        return Stream(url, self.ca.cert_pem.bytes().decode(), TOKEN)

    def publish(self, name: str, serial: int, packed: bytes | None = None) -> str:
        snapshot = Snapshot(models=(Model(name),)).seal(TOKEN)
        packed = packed or pack(msgspec.structs.replace(snapshot, serial=serial))
        record = Record(snapshot.version, serial, 1, "uid", "")
        self.server.offer(KEY, Publication(record, "default-snapshot", self.stream, packed))
        return snapshot.version

    def forget_changes(self) -> None:
        """Of what was before."""
        while not self.changed.empty():
            self.changed.get_nowait()

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Wait for changes until something holds."""
        async with asyncio.timeout(5):
            while not wanted():
                await self.changed.get()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pods have all the time of a busy machine to answer."""
    monkeypatch.setattr("airouter_operator.stream.ANSWERING", 30.0)


@contextlib.asynccontextmanager
async def control(hold: float = 5.0, grace: float = 5.0, most: int = 10) -> AsyncIterator[Control]:
    loop = asyncio.get_running_loop()
    pods = Pods(grace, most, loop.time)
    ca = trustme.CA()
    changed: asyncio.Queue[Key] = asyncio.Queue()

    def acknowledge() -> None:
        operator.acknowledged += 1

    def leads() -> bool:
        return operator.leads

    def is_ready() -> bool:
        return operator.ready

    server = StreamServer(pods, hold, acknowledge, changed.put_nowait, leads, is_ready)
    operator = Control(server, pods, ca, changed=changed)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    operator.port = await server.start("127.0.0.1", 0, tls)
    try:
        yield operator
    finally:
        server.withdraw_all()
        await server.close()


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


@contextlib.asynccontextmanager
async def router(stream: Stream, name: str = "pod-0") -> AsyncIterator[tuple[Store, StreamSource]]:
    store = Store(lambda snapshot: None)
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0.01)

    source = StreamSource(store, name, sleep=sleep)
    source.follow(stream)
    task = asyncio.create_task(source.run())
    try:
        yield store, source
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def model(store: Store) -> str:
    return store.current.models[0].name if store.current else ""


async def ask(operator: Control, poll: bytes = b'{"pod":"p"}', **headers: str) -> httpx.Response:
    tls = ssl.create_default_context(cadata=operator.stream.ca)
    async with httpx.AsyncClient(verify=tls) as client:
        headers.setdefault("authorization", f"Bearer {TOKEN}")
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        return await client.post(operator.stream.url, content=poll, headers=encoded)


async def test_a_snapshot_is_there_at_once_and_its_version_comes_back() -> None:
    async with control() as operator:
        version = operator.publish("one", 1)
        async with router(operator.stream) as (store, source):
            await operator.until(lambda: operator.pods.tally(KEY, version).programmed == 1)
            assert model(store) == "one"
            assert source.state.connected
            second = operator.publish("two", 2)
            await operator.until(lambda: operator.pods.tally(KEY, second).programmed == 1)
            assert model(store) == "two"


async def test_every_pod_gets_a_change() -> None:
    async with control() as operator, contextlib.AsyncExitStack() as stack:
        operator.publish("one", 1)
        names = [f"pod-{number}" for number in range(8)]
        stores = [
            (await stack.enter_async_context(router(operator.stream, name)))[0] for name in names
        ]
        await operator.until(lambda: operator.pods.tally(KEY, "").connected == 8)
        version = operator.publish("two", 2)
        await operator.until(lambda: operator.pods.tally(KEY, version).programmed == 8)
        assert {model(store) for store in stores} == {"two"}


async def test_a_fleet_that_is_well_is_told_of_once_when_all_pods_run_a_change(
    patient: None,
) -> None:
    async with control() as operator, contextlib.AsyncExitStack() as stack:
        first = operator.publish("one", 1)
        for number in range(8):
            await stack.enter_async_context(router(operator.stream, f"pod-{number}"))
        await operator.until(lambda: operator.pods.tally(KEY, first).programmed == 8)
        operator.forget_changes()
        before = operator.acknowledged
        version = operator.publish("two", 2)
        assert operator.server.awaits_answers(KEY)
        assert await asyncio.wait_for(operator.changed.get(), 5) == KEY
        assert operator.pods.tally(KEY, version).programmed == 8
        assert operator.acknowledged - before == 8
        assert operator.changed.empty()
        assert not operator.server.awaits_answers(KEY)


async def test_a_pod_that_does_not_answer_is_not_waited_for_long() -> None:
    async with control() as operator, router(operator.stream) as (store, _):
        operator.publish("one", 1)
        await operator.until(lambda: model(store) == "one")
        operator.pods.begin(KEY, Poll("silent"))
        operator.publish("two", 2)
        assert operator.server.awaits_answers(KEY)
        await operator.until(lambda: not operator.server.awaits_answers(KEY))
        assert model(store) == "two"


async def test_changes_that_keep_coming_do_not_hold_the_status_back() -> None:
    async with control() as operator:
        operator.publish("one", 1)
        operator.pods.begin(KEY, Poll("silent"))
        operator.publish("two", 2)
        await operator.until(lambda: not operator.server.awaits_answers(KEY))
        operator.publish("three", 3)
        assert not operator.server.awaits_answers(KEY)
        operator.server.status_is_told(KEY)
        operator.publish("four", 4)
        assert operator.server.awaits_answers(KEY)


async def test_nobody_waits_for_the_pods_of_what_is_gone() -> None:
    async with control() as operator:
        operator.publish("one", 1)
        operator.pods.begin(KEY, Poll("silent"))
        operator.publish("two", 2)
        operator.server.withdraw(KEY)
        assert not operator.server.awaits_answers(KEY)
        operator.publish("three", 3)
        assert not operator.server.awaits_answers(KEY)


async def test_a_poll_without_news_ends_after_a_while_and_begins_anew() -> None:
    async with control(hold=0.05) as operator:
        operator.publish("one", 1)
        async with router(operator.stream) as (store, source):
            await operator.until(lambda: model(store) == "one")
            await asyncio.sleep(0.2)
            version = operator.publish("two", 2)
            await operator.until(lambda: operator.pods.tally(KEY, version).programmed == 1)
            assert source.state.error == ""


async def test_a_snapshot_that_cannot_be_read_is_refused_by_its_version() -> None:
    async with control() as operator:
        good = operator.publish("one", 1)
        async with router(operator.stream) as (store, _):
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
    async with control() as operator:
        operator.publish("old", 1)
        async with router(operator.stream) as (store, _):
            await operator.until(lambda: model(store) == "old")
            operator.publish("newest", 9)
            await operator.until(lambda: model(store) == "newest")
            operator.publish("older", 5)
            await asyncio.sleep(0.05)
            assert model(store) == "newest"


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", f"Basic {TOKEN}", "Bearer é"])
async def test_a_wrong_token_learns_nothing(authorization: str) -> None:
    async with control() as operator:
        operator.publish("one", 1)
        known = await ask(operator, authorization=authorization)
        operator.server.withdraw(KEY)
        unknown = await ask(operator, authorization=authorization)
        assert (known.status_code, known.content) == (401, b"")
        assert (unknown.status_code, unknown.content) == (401, b"")
        assert operator.pods.count() == 0


async def test_the_token_of_another_routerconfig_is_a_wrong_token() -> None:
    async with control() as operator:
        assert (await ask(operator)).status_code == 401


async def test_an_operator_that_has_just_started_asks_for_patience() -> None:
    async with control() as operator:
        operator.ready = False
        answer = await ask(operator)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_a_replica_that_no_longer_leads_sends_pods_away_whatever_it_still_has() -> None:
    async with control() as operator:
        operator.publish("one", 1)
        operator.leads = operator.ready = False
        answer = await ask(operator)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_a_router_that_a_standby_turns_away_finds_the_replica_that_leads() -> None:
    async with (
        control() as standby,
        control() as leader,
        service(standby.port, leader.port) as port,
    ):
        version = leader.publish("one", 1)
        standby.ready = False
        url = leader.stream.url.replace(str(leader.port), str(port))
        stream = Stream(url, standby.stream.ca + leader.stream.ca, TOKEN)
        async with router(stream) as (store, source):
            await leader.until(lambda: leader.pods.tally(KEY, version).programmed == 1)
            assert source.state.connected
            assert model(store) == "one"


DEEP = b'{"pod":"a","more":' + b"[" * 4000


@pytest.mark.parametrize("poll", [b"", b"[]", b'{"pod":"a/b"}', b'{"pod":1}', b"\xff", DEEP])
async def test_a_poll_that_is_none_gets_a_400(poll: bytes) -> None:
    async with control() as operator:
        operator.publish("one", 1)
        assert (await ask(operator, poll)).status_code == 400
        assert operator.pods.count() == 0


async def test_a_poll_that_does_not_end_is_not_waited_for() -> None:
    async with control(hold=0.1) as operator:
        operator.publish("one", 1)
        tls = ssl.create_default_context(cadata=operator.stream.ca)
        reader, writer = await asyncio.open_connection("127.0.0.1", operator.port, ssl=tls)
        writer.write(
            f"POST /v1/snapshots/ai/default HTTP/1.1\r\nHost: operator\r\n"
            f"Authorization: Bearer {TOKEN}\r\nContent-Length: 100\r\n\r\n{{".encode()
        )
        async with asyncio.timeout(5):
            assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()


async def test_a_poll_of_any_size_is_not_read() -> None:
    async with control() as operator:
        operator.publish("one", 1)
        assert (await ask(operator, b'{"pod":"' + b"p" * 100_000)).status_code == 413


async def test_more_pods_than_there_may_be_are_asked_to_come_later() -> None:
    async with control(most=1) as operator:
        operator.publish("one", 1)
        async with router(operator.stream, "first") as (store, _):
            await operator.until(lambda: model(store) == "one")
            assert (await ask(operator, b'{"pod":"second"}')).status_code == 503


async def test_a_router_that_ends_is_forgotten_after_a_moment() -> None:
    async with control(grace=0.05) as operator:
        operator.publish("one", 1)
        async with router(operator.stream) as (store, _):
            await operator.until(lambda: model(store) == "one")
        await operator.until(lambda: operator.pods.count() == 0)


async def test_a_router_outlives_its_operator_and_finds_it_again() -> None:
    async with control() as operator:
        operator.publish("one", 1)
        async with router(operator.stream) as (store, source):
            await operator.until(lambda: model(store) == "one")
            await operator.server.close()
            async with asyncio.timeout(5):
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
    async with control() as operator:
        operator.publish("one", 1)
        stranger = trustme.CA().cert_pem.bytes().decode()
        stream = msgspec.structs.replace(operator.stream, ca=stranger)
        async with router(stream) as (store, source):
            async with asyncio.timeout(5):
                while not source.state.error:
                    await asyncio.sleep(0.01)
            assert (source.state.error, model(store)) == ("SSLCertVerificationError", "")


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
    async with control() as operator:
        version = operator.publish("one", 1)
        stream = msgspec.structs.replace(operator.stream, **broken)
        async with router(stream) as (store, source):
            async with asyncio.timeout(5):
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

    source = StreamSource(Store(lambda _: None), "pod", sleep=sleep, random=lambda: 1.0)
    ca = trustme.CA().cert_pem.bytes().decode()
    source.follow(Stream("https://127.0.0.1:1/", ca, TOKEN))
    task = asyncio.create_task(source.run())
    await asyncio.wait_for(enough.wait(), 5)
    task.cancel()
    assert pauses[:4] == [0.2, 0.4, 0.8, 1.6]
    assert max(pauses) == 5.0
