"""Several operators behind one address, as a Service has them, whose leader is killed."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random

from airouter_operator.kube.errors import NotFound
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.kube.paths import lease_at
from airouter_operator.leading.lease import NAME
from support.control_plane import ControlPlane, OperatorProcess
from support.ports import free_port

PIECE = 65_536
LEADING = 120.0


@dataclass
class Replica:
    """One of them: the port that it listens on, the uid of its pod, and its process."""

    port: int
    uid: str
    process: OperatorProcess
    stack: contextlib.AsyncExitStack


class OperatorReplicas:
    """Operators that share a Lease, and those that pods reach by one address."""

    def __init__(self, plane: ControlPlane, random: Random) -> None:
        self._plane = plane
        self._random = random
        self._replicas: list[Replica] = []
        self._links: set[asyncio.Task[None]] = set()
        self.kills = 0

    @contextlib.asynccontextmanager
    async def running(self, count: int, **settings: str) -> AsyncIterator[OperatorReplicas]:
        """So many of them, with these settings of each."""
        self._settings = {"KUBECONFIG": await self._plane.kubeconfig(), **settings}
        server = await asyncio.start_server(self._take, "127.0.0.1", self._plane.stream_port)
        try:
            for _ in range(count):
                self._replicas.append(await self._started(free_port(), secrets.token_hex(4)))
            for replica in self._replicas:
                await replica.process.until_listening()
            yield self
        finally:
            server.close()
            for link in self._links:
                link.cancel()
            for replica in self._replicas:
                await replica.stack.aclose()

    async def kill_leader(self) -> None:
        """SIGKILL the one that holds the Lease, and wait until it is back.

        It is started at once: every other time in its pod, as kubelet has it, else in another pod.
        """
        leader = await self._leader()
        self.kills += 1
        await leader.process.kill()
        uid = leader.uid if self.kills % 2 else secrets.token_hex(4)
        await leader.stack.aclose()
        back = await self._started(leader.port, uid)
        self._replicas[self._replicas.index(leader)] = back
        await back.process.until_listening()

    async def _started(self, port: int, uid: str) -> Replica:
        stack = contextlib.AsyncExitStack()
        settings = {"STREAM_PORT": str(port), "POD_UID": uid, **self._settings}
        process = await stack.enter_async_context(self._plane.operator_process(**settings))
        return Replica(port, uid, process, stack)

    async def _leader(self) -> Replica:
        """Wait until the holder of the Lease is one that runs."""
        async with asyncio.timeout(LEADING):
            while True:
                with contextlib.suppress(NotFound):
                    lease = await self._plane.client.get(
                        lease_at(ObjectKey(self._plane.namespace, NAME))
                    )
                    _, _, holder = lease["spec"]["holderIdentity"].rpartition("_")
                    for replica in self._replicas:
                        if replica.uid == holder:
                            return replica
                await asyncio.sleep(0.05)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a connection on to any of them, whether it leads or not."""
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        port = self._random.choice(self._replicas).port
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                answers, asks = await asyncio.open_connection("127.0.0.1", port)
                with contextlib.closing(asks):
                    both = passed_on(reader, asks), passed_on(answers, writer)
                    tasks = [asyncio.create_task(each) for each in both]
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    for each in tasks:
                        each.cancel()
        finally:
            writer.close()
            self._links.discard(task)


async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until one of both ends."""
    with contextlib.suppress(OSError):
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
