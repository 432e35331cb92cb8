"""What is new of the use of a key is in its status, however the writing of that ends."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from unittest.mock import AsyncMock, Mock

import pytest

from airouter.bookkeeping.key_use import KeyUse, UseReport
from airouter.config.resource import API_VERSION, KeyGrant
from airouter.config.resource.routerkey import ROUTER_KEY_KIND
from airouter_operator.delivering.counted_reports import counted_of
from airouter_operator.delivering.key_uses import KeyUses
from airouter_operator.issuing.issuer import KeyIssuer
from airouter_operator.issuing.reconcile_key import SETTLING, KeyReconciler
from airouter_operator.issuing.served import RouterKeysServed
from airouter_operator.key_secret import read_key_secret
from airouter_operator.kube.errors import Conflict, KubeError, TimedOut
from airouter_operator.kube.objects import Object, ObjectKey
from airouter_operator.reconciling.conditions import Reason, Truth
from airouter_operator.retry import RetryLater
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

IN_VAIN = "grant teams allows no model for o3"
GRANT = KeyGrant.model_validate({"name": "teams", "namespaces": {"names": ["team-a"]}})


class Slow:
    """Does what is asked for the first time as slowly as can be."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def work(self) -> None:
        if not self.asked.is_set():
            self.asked.set()
            await asyncio.Event().wait()


class ApiServer:
    """Keeps a RouterKey, whose status it takes."""

    def __init__(self, slow: Slow | None = None) -> None:
        self.slow = slow
        self.body = BODY
        self.loses_answers = 0
        """Writes that are made and whose answers do not come."""
        self.takes_nothing = 0
        """Writes that come to nothing, and are not answered."""

    @property
    def requests(self) -> int:
        requests: int = self.body["status"]["spent"]["requests"]
        return requests

    async def create(self, path: str, manifest: Object) -> Object:
        return {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": "1"}}

    async def find(self, key: ObjectKey, path: str) -> Object | None:
        return self.body

    async def apply(self, path: str, manifest: Object) -> Object:
        if self.slow is not None:
            await self.slow.work()
        if self.takes_nothing:
            self.takes_nothing -= 1
            raise TimedOut("PATCH: timed out")
        version = self.body["metadata"]["resourceVersion"]
        if manifest["metadata"].get("resourceVersion", version) != version:
            raise Conflict("PATCH: status 409", 409)
        metadata = {**BODY["metadata"], "resourceVersion": str(int(version) + 1)}
        self.body = {**BODY, "metadata": metadata, "status": manifest["status"]}
        if self.loses_answers:
            self.loses_answers -= 1
            raise TimedOut("PATCH: timed out")
        return self.body


class Events:
    """Takes Events."""

    def __init__(self, slow: Slow | None = None) -> None:
        self.slow = slow

    async def record(self, config: Object, before: Object, after: Object) -> None:
        if self.slow is not None:
            await self.slow.work()


class Operated:
    """An operator that reconciles the key, and what pods tell it of that."""

    def __init__(self, kube: ApiServer, events: Events | None = None) -> None:
        self.now = 1_795_910_400.0
        self.served: RouterKeysServed | None = None
        self.due: asyncio.Queue[ObjectKey] = asyncio.Queue()
        mirror = self.mirror = Mirror()
        mirror.put(ROUTER_KEYS, KEY, kube.body)
        self.uses = KeyUses(
            mirror.key_index.router,
            partial(counted_of, mirror.keys),
            self.due.put_nowait,
            every=0.01,
        )
        self.reconciler = KeyReconciler(
            kube,  # type: ignore[arg-type]  # all that is asked of it
            mirror,
            secrets=AsyncMock(),
            grants=AsyncMock(
                ask=AsyncMock(return_value=GRANT),
                vain_wishes=AsyncMock(return_value=IN_VAIN),
                base_url=AsyncMock(return_value="http://router"),
            ),
            issuer=KeyIssuer(kube, mirror),  # type: ignore[arg-type]  # it makes no key
            served=Mock(of=lambda router: self.served),
            uses=self.uses,
            events=events or Events(),  # type: ignore[arg-type]  # all that is asked of them
            rechecks=Mock(),
            add_config=Mock(),
            is_anothers=Mock(return_value=False),
            leads=Mock(return_value=True),
            clock=lambda: self.now,
        )

    @property
    def sha(self) -> str:
        """Of the key that was made."""
        content = read_key_secret(self.mirror.secrets.get(KEY) or {})
        assert content is not None
        return content.key_sha256

    def hear(self, number: int, requests: int, process: str = "p") -> None:
        used = [KeyUse("team-a/one", requests, 10 * requests, 0, 0, None)]
        self.uses.take(CONFIG, UseReport("pod-0", process, number, used))

    async def write(self) -> None:
        """Write what is due, and again where that fails."""
        async with asyncio.timeout(60):
            key = await self.due.get()
            while True:
                with contextlib.suppress(KubeError, RetryLater):
                    return await self.reconciler.reconcile(key)


async def end_while(slow: Slow, kube: ApiServer, events: Events) -> None:
    """End an operator while it tells of three requests, and something of that is slow."""
    operated = Operated(kube, events)
    operated.hear(1, requests=3)
    async with asyncio.timeout(60):
        writing = asyncio.create_task(operated.reconciler.reconcile(await operated.due.get()))
        await slow.asked.wait()
        writing.cancel()
        await asyncio.wait({writing})
        await operated.reconciler.end()


async def test_a_status_that_is_being_written_as_the_operator_ends_is_written_once_more() -> None:
    slow = Slow()
    kube = ApiServer(slow)
    await end_while(slow, kube, Events())
    assert kube.requests == 3


async def test_a_status_that_was_written_when_the_operator_ended_counts_nothing_twice() -> None:
    slow, kube = Slow(), ApiServer()
    await end_while(slow, kube, Events(slow))
    assert kube.requests == 3


async def test_a_write_that_was_made_and_whose_answer_got_lost_counts_nothing_twice() -> None:
    kube = ApiServer()
    kube.loses_answers = 1
    operated = Operated(kube)
    operated.hear(1, requests=3)
    await operated.write()
    assert kube.requests == 3
    operated.hear(2, requests=4)
    await operated.write()
    assert kube.requests == 7
    operated.uses.end()


async def test_a_write_that_came_to_nothing_is_made_once_more() -> None:
    kube = ApiServer()
    kube.takes_nothing = 1
    operated = Operated(kube)
    operated.hear(1, requests=3)
    await operated.write()
    assert kube.requests == 3
    operated.uses.end()


async def test_what_comes_while_a_write_is_in_doubt_counts_once_as_the_operator_ends() -> None:
    kube = ApiServer()
    kube.loses_answers = 1
    operated = Operated(kube)
    operated.hear(1, requests=3)
    with pytest.raises(TimedOut):
        await operated.reconciler.reconcile(await operated.due.get())
    operated.hear(2, requests=4)
    await operated.reconciler.end()
    assert kube.requests == 7


async def test_a_key_that_somebody_labels_meanwhile_is_told_of_all_the_same() -> None:
    kube = ApiServer()
    operated = Operated(kube)
    kube.body = {**BODY, "metadata": {**BODY["metadata"], "resourceVersion": "9"}}
    operated.hear(1, requests=3)
    await operated.write()
    assert kube.requests == 3
    operated.uses.end()


async def test_a_status_after_a_write_in_doubt_says_of_which_generation_it_is() -> None:
    kube = ApiServer()
    kube.takes_nothing = 1
    operated = Operated(kube)
    operated.hear(1, requests=3)
    with pytest.raises(TimedOut):
        await operated.reconciler.reconcile(await operated.due.get())
    metadata = {**BODY["metadata"], "generation": 2, "resourceVersion": "9"}
    kube.body = {**BODY, "metadata": metadata}  # which no watch has told yet
    await operated.reconciler.reconcile(KEY)
    assert kube.requests == 3
    assert kube.body["status"]["observedGeneration"] == 1
    operated.uses.end()


async def test_a_report_that_was_counted_before_another_operator_led_counts_nothing_twice() -> None:
    kube = ApiServer()
    former = Operated(kube)
    former.hear(1, requests=3)
    await former.write()
    former.uses.end()
    leader = Operated(kube)
    leader.hear(1, requests=3)  # as its pod got no answer
    leader.hear(2, requests=4)
    leader.hear(1, requests=5, process="another")
    await leader.write()
    assert kube.requests == 3 + 4 + 5
    leader.uses.end()


def a_new_key() -> ApiServer:
    """A RouterKey that a grant lets in, of which nothing is told yet."""
    kube = ApiServer()
    kube.body = {**BODY, "spec": {"router": {"name": "default"}}}
    return kube


def served(sha: str, *, live: bool) -> RouterKeysServed:
    """A router whose pods are about to take the key, or have it."""
    keys = {str(KEY): sha}
    programmed: tuple[Truth, Reason] = ("True", "Programmed") if live else ("False", "Pending")
    return RouterKeysServed(("u", 1), keys, keys if live else {}, {}, programmed)


async def test_a_key_that_pods_take_at_once_is_told_of_by_one_write() -> None:
    kube = a_new_key()
    operated = Operated(kube)
    await operated.reconciler.reconcile(KEY)
    sha = operated.sha
    operated.now += 0.3
    operated.served = served(sha, live=False)
    await operated.reconciler.reconcile(KEY)
    assert "status" not in kube.body
    operated.now += 0.3
    operated.served = served(sha, live=True)
    await operated.reconciler.reconcile(KEY)
    assert kube.body["metadata"]["resourceVersion"] == "2"
    assert kube.body["status"]["conditions"][-1]["status"] == "True"


async def test_a_key_that_pods_do_not_take_is_told_of_after_a_second() -> None:
    kube = a_new_key()
    operated = Operated(kube)
    await operated.reconciler.reconcile(KEY)
    assert "status" not in kube.body
    operated.now += SETTLING
    await operated.reconciler.reconcile(KEY)
    ready = kube.body["status"]["conditions"][-1]
    assert (ready["status"], ready["reason"]) == ("False", "Pending")


async def test_models_that_a_key_asks_for_in_vain_are_in_its_status() -> None:
    kube = a_new_key()
    operated = Operated(kube)
    await operated.reconciler.reconcile(KEY)
    operated.now += SETTLING
    await operated.reconciler.reconcile(KEY)
    admitted = kube.body["status"]["conditions"][0]
    assert (admitted["type"], admitted["status"]) == ("Admitted", "True")
    assert admitted["message"] == f"by grant teams; {IN_VAIN}"
