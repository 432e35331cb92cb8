"""An operator's stream over real TLS, and a router's client that follows it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx
import msgspec
import trustme

from airouter.config.delivery import Stream, pack_snapshot
from airouter.config.key_changes import changes_between
from airouter.config.snapshot import Auth, ClientKey, Model, Snapshot
from airouter.config.store import SnapshotStore
from airouter.sources.stream import StreamSource
from airouter_operator.delivering.ban_server import BanServer
from airouter_operator.delivering.channels import Channels
from airouter_operator.delivering.exchanges import ExchangeServer
from airouter_operator.delivering.key_uses import KeyUses
from airouter_operator.delivering.pods import Pods
from airouter_operator.delivering.stream import StreamServer
from airouter_operator.delivering.use_server import KeyUseServer
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.publication import Publication, PublicationRecord, PublishedChanges
from support.http_client import http_client
from support.secrets_in_memory import SecretsInMemory

KEY = ObjectKey("ai", "default")
TOKEN = "token-of-ai-default"


@dataclass
class StreamControl:
    """An operator's stream and what it was told."""

    server: StreamServer
    exchanges: ExchangeServer
    channels: Channels
    pods: Pods
    ca: trustme.CA
    secrets: SecretsInMemory
    ledger_statuses: list[int]
    uses: KeyUses
    """Those of RouterKeys of the namespace team-a."""
    due: asyncio.Queue[ObjectKey]
    """RouterKeys whose status is due."""
    port: int = 0
    ready: bool = True
    leads: bool = True
    another_leads: bool = False
    changed: asyncio.Queue[ObjectKey] = field(default_factory=asyncio.Queue)
    acknowledged: int = 0

    @property
    def stream(self) -> Stream:
        url = f"https://127.0.0.1:{self.port}/v1/snapshots/{KEY.namespace}/{KEY.name}"
        return Stream(url, self.ca.cert_pem.bytes().decode(), TOKEN)

    def publish(self, name: str, serial: int, packed: bytes | None = None) -> str:
        snapshot = Snapshot(models=(Model(name),)).seal(TOKEN)
        packed = packed or pack_snapshot(msgspec.structs.replace(snapshot, serial=serial))
        record = PublicationRecord(snapshot.version, serial, 1, "uid", "")
        self.channels.offer(KEY, Publication(record, "default-snapshot", self.stream, packed))
        return snapshot.version

    def publish_keys(
        self, *names: str, serial: int, since: Snapshot | None = None, packed: bytes | None = None
    ) -> Snapshot:
        """Publish clients, as changes of a snapshot too."""
        clients = tuple(ClientKey(name, f"sha of {name}") for name in names)
        made = Snapshot(models=(Model("one"),), auth=Auth(clients=clients)).seal(TOKEN)
        made = msgspec.structs.replace(made, serial=serial)
        told = None
        if since is not None and (changes := changes_between(since, made)) is not None:
            told = PublishedChanges(changes.base, msgspec.json.encode(changes))
        record = PublicationRecord(made.version, serial, 1, "uid", "")
        whole = packed or pack_snapshot(made)
        publication = Publication(record, "default-snapshot", self.stream, whole, told)
        self.channels.offer(KEY, publication)
        return made

    def forget_changes(self) -> None:
        """Of what was before."""
        while not self.changed.empty():
            self.changed.get_nowait()

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Wait for changes until something holds."""
        async with asyncio.timeout(60):
            while not wanted():
                await self.changed.get()


@contextlib.asynccontextmanager
async def stream_control(
    hold: float = 5.0, grace: float = 5.0, most: int = 10
) -> AsyncIterator[StreamControl]:
    loop = asyncio.get_running_loop()
    pods = Pods(grace, most, loop.time)
    ca = trustme.CA()
    changed: asyncio.Queue[ObjectKey] = asyncio.Queue()

    def acknowledge() -> None:
        operator.acknowledged += 1

    def leads() -> bool:
        return operator.leads

    def another_leads() -> bool:
        return operator.another_leads

    def is_ready() -> bool:
        return operator.ready

    channels = Channels(pods, changed.put_nowait)
    secrets = SecretsInMemory()
    statuses: list[int] = []
    bans = BanServer(channels, hold, leads, is_ready, changed.put_nowait)
    exchanges = ExchangeServer(channels, secrets, leads, is_ready, statuses.append)
    due: asyncio.Queue[ObjectKey] = asyncio.Queue()
    uses = KeyUses(
        lambda key: KEY if key.namespace == "team-a" else None, lambda key: {}, due.put_nowait
    )
    server = StreamServer(
        channels,
        pods,
        hold,
        acknowledge,
        leads,
        another_leads,
        is_ready,
        exchanges,
        bans,
        KeyUseServer(channels, uses, leads, is_ready),
    )
    operator = StreamControl(
        server, exchanges, channels, pods, ca, secrets, statuses, uses, due, changed=changed
    )
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    operator.port = await server.start("127.0.0.1", 0, tls)
    try:
        yield operator
    finally:
        channels.withdraw_all()
        await server.close()
        uses.end()


@contextlib.asynccontextmanager
async def following_router(
    stream: Stream, name: str = "pod-0"
) -> AsyncIterator[tuple[SnapshotStore, StreamSource]]:
    store = SnapshotStore(lambda snapshot: None)
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


def model(store: SnapshotStore) -> str:
    return store.current.models[0].name if store.current else ""


async def ask(
    operator: StreamControl, poll: bytes = b'{"pod":"p"}', path: str = "", **headers: str
) -> httpx.Response:
    tls = ssl.create_default_context(cadata=operator.stream.ca)
    async with http_client(verify=tls) as client:
        headers.setdefault("authorization", f"Bearer {TOKEN}")
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        return await client.post(operator.stream.url + path, content=poll, headers=encoded)
