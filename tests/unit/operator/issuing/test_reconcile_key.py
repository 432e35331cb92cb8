"""What is new of the use of a key is in its status, however the writing of that ends."""

from __future__ import annotations

import asyncio
from unittest.mock import AsyncMock, Mock

from airouter.bookkeeping.key_use import KeyUse, UseReport
from airouter.config.resource import API_VERSION
from airouter.config.resource.routerkey import ROUTER_KEY_KIND
from airouter_operator.delivering.key_uses import KeyUses
from airouter_operator.issuing.issuer import KeyIssuer
from airouter_operator.issuing.reconcile_key import KeyReconciler
from airouter_operator.kube.objects import Object, ObjectKey
from airouter_operator.watching.kinds import ROUTER_KEYS
from airouter_operator.watching.mirror import Mirror

KEY, CONFIG = ObjectKey("team-a", "one"), ObjectKey("team-a", "default")
BODY: Object = {
    "apiVersion": API_VERSION,
    "kind": ROUTER_KEY_KIND,
    "metadata": {
        "name": KEY.name,
        "namespace": KEY.namespace,
        "uid": "u",
        "generation": 1,
        "resourceVersion": "1",
    },
    "spec": {"router": {"name": "default"}, "expiresAt": "2020-01-01T00:00:00Z"},
}


class Slow:
    """Does what is asked for the first time as slowly as can be."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def work(self) -> None:
        if not self.asked.is_set():
            self.asked.set()
            await asyncio.Event().wait()


class ApiServer:
    """Takes statuses."""

    def __init__(self, slow: Slow | None = None) -> None:
        self.slow = slow
        self.requests: list[int] = []
        """Of each status."""

    async def apply(self, path: str, manifest: Object) -> Object:
        if self.slow is not None:
            await self.slow.work()
        self.requests.append(manifest["status"]["spent"]["requests"])
        metadata = {**BODY["metadata"], "resourceVersion": "2"}
        return {**BODY, "metadata": metadata, "status": manifest["status"]}


class Events:
    """Takes Events."""

    def __init__(self, slow: Slow | None = None) -> None:
        self.slow = slow

    async def record(self, config: Object, before: Object, after: Object) -> None:
        if self.slow is not None:
            await self.slow.work()


async def end_while(slow: Slow, kube: ApiServer, events: Events) -> None:
    """End an operator while it tells of three requests, and something of that is slow."""
    mirror, due = Mirror(), asyncio.Queue[ObjectKey]()
    mirror.put(ROUTER_KEYS, KEY, BODY)
    uses = KeyUses(mirror.key_index.router, due.put_nowait)
    reconciler = KeyReconciler(
        kube,  # type: ignore[arg-type]  # all that is asked of it
        mirror,
        secrets=AsyncMock(),
        grants=AsyncMock(),
        issuer=KeyIssuer(kube, mirror),  # type: ignore[arg-type]  # it makes no key
        served=Mock(of=Mock(return_value=None)),
        uses=uses,
        events=events,  # type: ignore[arg-type]  # all that is asked of them
        rechecks=Mock(),
        add_config=Mock(),
        is_anothers=Mock(return_value=False),
        leads=Mock(return_value=True),
    )
    uses.take(CONFIG, UseReport("pod-0", "p", 1, [KeyUse("team-a/one", 3, 30, 0, 0, None)]))
    async with asyncio.timeout(60):
        writing = asyncio.create_task(reconciler.reconcile(await due.get()))
        await slow.asked.wait()
        writing.cancel()
        await asyncio.wait({writing})
        await reconciler.end()


async def test_a_status_that_is_being_written_as_the_operator_ends_is_written_once_more() -> None:
    slow = Slow()
    kube = ApiServer(slow)
    await end_while(slow, kube, Events())
    assert kube.requests == [3]


async def test_a_status_that_was_written_when_the_operator_ended_counts_nothing_twice() -> None:
    slow, kube = Slow(), ApiServer()
    await end_while(slow, kube, Events(slow))
    assert kube.requests == [3]
