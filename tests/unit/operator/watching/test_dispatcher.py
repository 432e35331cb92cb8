"""The dispatcher: which RouterConfigs are due for what a watch reports."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from airouter_operator.kube.objects import ObjectKey, object_key
from airouter_operator.watching.dispatcher import DELETED, LISTED, Dispatcher
from airouter_operator.watching.kinds import (
    NAMESPACES,
    ROUTER_CONFIGS,
    ROUTER_KEYS,
    SECRETS,
    WatchedKind,
)
from airouter_operator.watching.mirror import Mirror
from airouter_operator.watching.queue import KeyedQueue, QueueDelays
from airouter_operator.watching.watches import Watches


class Watched:
    """A dispatcher with all that it passes things on to."""

    def __init__(self) -> None:
        self.leads = True
        self.mirror = Mirror()
        self.watches = Watches(["ai"], lambda: 0.0)
        self.queue: KeyedQueue[ObjectKey] = KeyedQueue(QueueDelays(), 1, Random(1))
        self.key_queue: KeyedQueue[ObjectKey] = KeyedQueue(QueueDelays(), 1, Random(1))
        self.dispatcher = Dispatcher(
            self.mirror, self.watches, self.queue, self.key_queue, lambda: self.leads
        )
        self.dispatcher.begin()

    def take(self, kind: WatchedKind, body: dict[str, Any]) -> None:
        """Take an object into the mirror, of which no watch has told."""
        self.mirror.notice(kind, object_key(body), body)


@pytest.fixture
async def watched() -> Watched:
    return Watched()


def config(name: str, secret: str) -> dict[str, Any]:
    spec = {"credentials": [{"name": "c", "secretRef": {"name": secret}}]}
    return {"metadata": {"namespace": "ai", "name": name, "resourceVersion": "1"}, "spec": spec}


def named(name: str) -> dict[str, Any]:
    return {"metadata": {"namespace": "ai", "name": name, "resourceVersion": "1"}}


async def test_a_secret_is_about_all_that_name_it(watched: Watched) -> None:
    for name in ("one", "two"):
        watched.take(ROUTER_CONFIGS, config(name, "keys"))
    watched.take(ROUTER_CONFIGS, config("three", "other"))
    watched.dispatcher.changed(SECRETS, named("keys"), "MODIFIED")
    assert len(watched.queue) == 2


async def test_a_snapshot_that_is_deleted_is_about_its_routerconfig(watched: Watched) -> None:
    watched.dispatcher.changed(SECRETS, named("one-snapshot"), DELETED)
    assert len(watched.queue) == 1


async def test_what_is_deleted_is_not_mirrored_any_more(watched: Watched) -> None:
    watched.take(ROUTER_CONFIGS, config("one", "keys"))
    watched.dispatcher.changed(ROUTER_CONFIGS, config("one", "keys"), DELETED)
    assert not list(watched.mirror.configs)
    assert len(watched.queue) == 1


async def test_a_standby_mirrors_everything_and_works_on_nothing(watched: Watched) -> None:
    watched.leads = False
    watched.take(ROUTER_CONFIGS, config("one", "keys"))
    watched.dispatcher.changed(ROUTER_CONFIGS, config("one", "keys"), "ADDED")
    assert len(watched.queue) == 0
    watched.leads = True
    watched.dispatcher.look_at_all()
    assert len(watched.queue) == 1


def observed(name: str, observed: int) -> dict[str, Any]:
    """A RouterConfig of generation 2, and what its status says of that."""
    body = config(name, "keys")
    body["metadata"]["generation"] = 2
    return {**body, "status": {"observedGeneration": observed}}


async def order_of_work(queue: KeyedQueue[ObjectKey], count: int) -> list[str]:
    """The names of so many keys, one after the other."""
    done: list[str] = []
    ended = asyncio.Event()

    async def work(key: ObjectKey) -> None:
        done.append(key.name)
        if len(done) == count:
            ended.set()

    task = asyncio.create_task(queue.run(work))
    async with asyncio.timeout(60):
        await ended.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return done


async def test_a_change_does_not_wait_for_all_that_was_just_listed(watched: Watched) -> None:
    bodies = [observed(str(number), 2) for number in range(50)]
    for body in bodies:
        watched.take(ROUTER_CONFIGS, body)
    for body in bodies:
        watched.dispatcher.changed(ROUTER_CONFIGS, body, LISTED)
    await asyncio.sleep(0.05)  # all of them are due
    watched.dispatcher.changed(ROUTER_CONFIGS, bodies[30], "MODIFIED")
    await asyncio.sleep(0.05)
    done = await order_of_work(watched.queue, 50)
    assert done[0] == "30"
    assert sorted(done) == sorted(str(number) for number in range(50))


async def test_a_new_leader_begins_with_what_the_former_left(watched: Watched) -> None:
    for number in range(50):
        watched.take(ROUTER_CONFIGS, observed(str(number), 1 + (number != 30)))
    watched.dispatcher.look_at_all()
    await asyncio.sleep(0.05)
    assert (await order_of_work(watched.queue, 50))[0] == "30"


async def test_a_watch_that_begins_anew_has_everything_compared(watched: Watched) -> None:
    watched.dispatcher.changed(ROUTER_CONFIGS, config("one", "keys"), "ADDED")
    assert not watched.watches.restarted.is_set()
    watched.dispatcher.changed(ROUTER_CONFIGS, config("one", "keys"), LISTED)
    assert watched.watches.restarted.is_set()


def router_key(name: str, router: str = "one", version: str = "1", **spec: Any) -> dict[str, Any]:
    metadata = {"namespace": "team", "name": name, "resourceVersion": version}
    return {"metadata": metadata, "spec": {"router": {"name": router, "namespace": "ai"}, **spec}}


async def test_a_router_key_is_about_itself_and_its_router(watched: Watched) -> None:
    watched.take(ROUTER_KEYS, router_key("checkout"))
    watched.dispatcher.changed(ROUTER_KEYS, router_key("checkout"), "ADDED")
    assert (len(watched.queue), len(watched.key_queue)) == (1, 1)


async def test_a_router_key_that_is_deleted_ends_at_its_router(watched: Watched) -> None:
    watched.take(ROUTER_KEYS, router_key("checkout"))
    watched.dispatcher.changed(ROUTER_KEYS, router_key("checkout"), DELETED)
    assert len(watched.queue) == 1
    assert ObjectKey("team", "checkout") not in watched.mirror.keys


async def test_a_router_key_that_moves_ends_at_the_router_that_it_leaves(watched: Watched) -> None:
    watched.take(ROUTER_KEYS, router_key("checkout", "one"))
    watched.take(ROUTER_KEYS, router_key("checkout", "two", version="2"))
    watched.dispatcher.changed(ROUTER_KEYS, router_key("checkout", "two", version="2"), "MODIFIED")
    assert len(watched.queue) == 2


async def test_the_secret_and_the_namespace_of_a_key_are_about_it(watched: Watched) -> None:
    watched.take(ROUTER_KEYS, router_key("checkout", secretName="llm"))
    metadata = {"namespace": "team", "name": "llm", "resourceVersion": "1"}
    namespace = {"metadata": {"name": "team", "resourceVersion": "1"}}
    for kind, body in ((SECRETS, {"metadata": metadata}), (NAMESPACES, namespace)):
        watched.dispatcher.changed(kind, body, "MODIFIED")
        assert (len(watched.queue), len(watched.key_queue)) == (1, 1)
        watched.queue, watched.key_queue = fresh(watched)


def fresh(watched: Watched) -> tuple[KeyedQueue[ObjectKey], KeyedQueue[ObjectKey]]:
    """Queues that are empty, which the dispatcher of the same mirror fills from now on."""
    queues = (
        KeyedQueue[ObjectKey](QueueDelays(), 1, Random(1)),
        KeyedQueue[ObjectKey](QueueDelays(), 1, Random(1)),
    )
    watched.dispatcher = Dispatcher(watched.mirror, watched.watches, *queues, lambda: True)
    watched.dispatcher.has_synced = True
    return queues


async def test_who_leads_has_every_key_reconciled(watched: Watched) -> None:
    for name in ("checkout", "search"):
        watched.take(ROUTER_KEYS, router_key(name))
    watched.dispatcher.look_at_all()
    assert len(watched.key_queue) == 2


async def test_nothing_is_reconciled_before_all_there_is_is_known(watched: Watched) -> None:
    watched.dispatcher.has_synced = False
    watched.dispatcher.changed(ROUTER_CONFIGS, config("one", "keys"), "ADDED")
    watched.dispatcher.changed(ROUTER_KEYS, router_key("checkout"), LISTED)
    assert (len(watched.queue), len(watched.key_queue)) == (0, 0)
    watched.dispatcher.begin()
    assert (len(watched.queue), len(watched.key_queue)) == (1, 1)
