"""Conversations that stay with a pod of a Service."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from airouter.config.snapshot import Timeouts
from airouter.eventloop.outbox import Outbox
from airouter.eventloop.turns import Turns
from airouter.routing.affinity import StickyConversation
from airouter.upstream.balancer import BOUND, SLACK, Balancer
from airouter.upstream.moved_between_pods import MovedBetweenPods
from airouter.upstream.origin import Origin
from airouter.upstream.pool import Pool

PODS = [f"10.0.0.{number}:8000" for number in range(1, 9)]
CONVERSATIONS = [number.to_bytes(16, "big") for number in range(1000)]
TURNS = 10


class BusyPool(Pool):
    """A pool of a pod that has as much in flight as a test says."""

    def __init__(self, address: str) -> None:
        outbox = Outbox(asyncio.get_running_loop())
        turns = Turns(asyncio.get_running_loop())
        origin = Origin.of("http://vllm.ai.svc:8000/v1").at(address)
        super().__init__(origin, Timeouts(), outbox, turns, max_connections=9, body_limit=99)
        self.address = address
        self.busy = 0

    @property
    def pressure(self) -> int:
        return self.busy


class Service:
    """A Service of eight pods."""

    def __init__(self) -> None:
        self.pools: dict[str, BusyPool] = {}
        self.balancer = Balancer(self._open, BusyPool("10.1.0.1:8000"))
        self.balancer.follow(PODS)

    def _open(self, address: str) -> BusyPool:
        pool = self.pools[address] = BusyPool(address)
        return pool

    def pod_of(self, key: bytes) -> str:
        pool = self.balancer.choose((), StickyConversation(key))
        assert isinstance(pool, BusyPool)
        return pool.address

    def answer(self, key: bytes, ttl: float = 600.0) -> str:
        """The pod that answers a conversation, which stays for `ttl` seconds where it had to go."""
        conversation = StickyConversation(key, ttl)
        pool = self.balancer.choose((), conversation)
        self.balancer.note_answer(conversation, pool)
        assert isinstance(pool, BusyPool)
        return pool.address

    def pods(self) -> dict[bytes, str]:
        return {each: self.pod_of(each) for each in CONVERSATIONS}


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    found = Service()
    yield found
    found.balancer.close()


async def test_conversations_stay_while_others_come_and_go(service: Service) -> None:
    homes = service.pods()
    stayed = 0
    for turn in range(TURNS):
        under_way: list[BusyPool] = []
        for number, conversation in enumerate(CONVERSATIONS):
            pod = service.pod_of(conversation)
            stayed += pod == homes[conversation]
            service.pools[pod].busy += 1
            under_way.append(service.pools[pod])
            if number % 5 == turn % 5:
                under_way.pop(0).busy -= 1
        for pool in under_way:
            pool.busy -= 1
    assert stayed >= 0.95 * TURNS * len(CONVERSATIONS)


async def test_every_pod_gets_its_share(service: Service) -> None:
    shares = Counter(service.pods().values())
    assert set(shares) == set(PODS)
    assert max(shares.values()) < 1.5 * len(CONVERSATIONS) / len(PODS)


async def test_a_pod_that_goes_moves_its_own_conversations_alone_and_they_come_back(
    service: Service,
) -> None:
    before = service.pods()
    service.balancer.follow(PODS[1:])
    without = service.pods()
    moved = {each for each in CONVERSATIONS if without[each] != before[each]}
    assert moved == {each for each in CONVERSATIONS if before[each] == PODS[0]}
    service.balancer.follow(PODS)
    assert service.pods() == before


@pytest.mark.parametrize(("ttl", "stays"), [(600.0, True), (0.0, False)])
async def test_a_conversation_whose_pod_was_not_ready_stays_where_it_went(
    service: Service, ttl: float, stays: bool
) -> None:
    conversation = CONVERSATIONS[0]
    home = service.answer(conversation, ttl)
    service.balancer.follow([each for each in PODS if each != home])
    refuge = service.answer(conversation, ttl)
    assert service.answer(conversation, ttl) == refuge
    service.balancer.follow(PODS)
    after = {service.answer(conversation, ttl) for _ in range(TURNS)}
    assert after == {refuge if stays else home}


@pytest.mark.parametrize(("ttl", "stays"), [(600.0, True), (0.0, False)])
async def test_a_conversation_whose_pod_was_full_stays_where_it_went(
    service: Service, ttl: float, stays: bool
) -> None:
    conversation = CONVERSATIONS[0]
    home = service.answer(conversation, ttl)
    service.pools[home].busy = 100
    refuge = service.answer(conversation, ttl)
    service.pools[home].busy = 0
    assert service.answer(conversation, ttl) == (refuge if stays else home)
    service.pools[refuge].busy = 100
    assert service.answer(conversation, ttl) == home, "one that is full goes before the cache"


async def test_a_conversation_is_at_home_at_a_pod_that_is_new(service: Service) -> None:
    service.balancer.follow(PODS[:1])
    for each in CONVERSATIONS:
        assert service.answer(each) == PODS[0]
    service.balancer.follow(PODS)
    assert len({service.answer(each) for each in CONVERSATIONS}) == len(PODS)


async def test_a_pod_that_is_gone_is_asked_by_no_conversation_that_it_answers_late(
    service: Service,
) -> None:
    late = StickyConversation(CONVERSATIONS[0], 600.0)
    pool = service.balancer.choose((), late)
    assert isinstance(pool, BusyPool)
    service.balancer.follow([each for each in PODS if each != pool.address])
    service.balancer.note_answer(late, pool)
    assert service.answer(late.key) != pool.address


async def test_of_very_many_conversations_those_that_moved_last_are_remembered(
    service: Service,
) -> None:
    home, other = service.pools[PODS[0]], service.pools[PODS[1]]
    moved = MovedBetweenPods(most=2)
    talks = [StickyConversation(each, 600.0) for each in CONVERSATIONS[:4]]
    for talk in talks[:3]:
        moved.note_answer(talk, home, other, 1.0)
    assert [moved.refuge_of(each, 1.0) for each in talks] == [None, other, other, None]
    moved.note_gone({home}, {each.key: home for each in talks}, 2.0)
    assert len(moved) == 2


async def test_all_replicas_agree_whatever_order_they_know_pods_in(service: Service) -> None:
    other = Service()
    other.balancer.follow(())
    other.balancer.follow(PODS[::-1])
    assert other.pods() == service.pods()
    other.balancer.close()


async def test_no_pod_takes_much_more_than_its_share(service: Service) -> None:
    conversation = CONVERSATIONS[0]
    for _ in range(400):
        service.pools[service.pod_of(conversation)].busy += 1
    most = max(pool.busy for pool in service.pools.values())
    assert most <= BOUND * 400 / len(PODS) + SLACK + 1


async def test_other_requests_go_where_the_fewest_are(service: Service) -> None:
    for pool in service.pools.values():
        pool.busy = 3
    service.pools[PODS[4]].busy = 1
    assert service.balancer.choose(()) is service.pools[PODS[4]]
