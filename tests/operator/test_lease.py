"""Who leads, by a real Lease; only time is made up."""

from __future__ import annotations

import asyncio
from pathlib import Path

from airouter_operator.kube.client import KubeClient, open_kube_client
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.kube.paths import lease_at
from airouter_operator.leading.lease import LOOKS, NAME, RENEWALS, Leadership, clients_of_lease
from support.control_plane import ControlPlane
from support.kubernetes.faults import FaultyProxy

DURATION = 8.0
LOOK = DURATION / LOOKS
QUICK = 5.0
"""Seconds after which a connection counts as dead, which a loaded machine does not need for one."""


class Replica:
    """A candidate whose time passes when it is said."""

    def __init__(
        self,
        plane: ControlPlane,
        name: str,
        lease_client: KubeClient | None = None,
        client: KubeClient | None = None,
    ) -> None:
        self.now = 0.0
        self.turns: list[bool] = []
        self.leadership = Leadership(
            lease_client or plane.client,
            client or plane.client,
            plane.namespace,
            name,
            DURATION,
            self.turns.append,
            monotonic=lambda: self.now,
        )

    async def attempt(self, seconds: float = 0.0) -> bool:
        """Look as often as a replica does, and once more after so many seconds."""
        while seconds > LOOK:
            self.now += LOOK
            seconds -= LOOK
            await self.leadership.attempt()
        self.now += seconds
        await self.leadership.attempt()
        return self.leadership.leading


async def test_one_of_two_leads(plane: ControlPlane) -> None:
    one, two = Replica(plane, "one"), Replica(plane, "two")
    assert await one.attempt()
    assert not await two.attempt()
    for _ in range(10):
        assert await one.attempt(2)
        assert not await two.attempt(2)
    assert (one.turns, two.turns) == ([True], [])


async def test_another_takes_over_from_one_that_is_silent(plane: ControlPlane) -> None:
    one, two = Replica(plane, "one"), Replica(plane, "two")
    await one.attempt()
    assert not await two.attempt()
    assert not await two.attempt(7.9)
    assert await two.attempt(0.2)
    assert not await one.attempt()
    assert one.turns == [True, False]


async def test_one_that_stands_by_knows_whether_another_leads(plane: ControlPlane) -> None:
    one, two = Replica(plane, "one"), Replica(plane, "two")
    assert not two.leadership.another_leads()
    await one.attempt()
    assert not await two.attempt()
    assert two.leadership.another_leads()
    assert not one.leadership.another_leads()
    assert not await two.attempt(4.1)
    assert not two.leadership.another_leads()
    assert await one.attempt(4.1)
    assert not await two.attempt()
    assert two.leadership.another_leads()
    assert await two.attempt(8.1)
    assert not two.leadership.another_leads()


async def test_one_that_ends_in_order_is_followed_at_once(plane: ControlPlane) -> None:
    one, two = Replica(plane, "one"), Replica(plane, "two")
    await one.attempt()
    await one.leadership.release()
    assert await two.attempt()
    await one.leadership.release()
    assert await two.attempt()


async def test_a_leader_without_an_api_server_goes_on_leading(plane: ControlPlane) -> None:
    one = Replica(plane, "one")
    await one.attempt()
    async with plane.outage():
        assert await one.attempt(60)
    assert await one.attempt()
    assert one.turns == [True]


async def test_a_leader_is_sure_only_until_another_may_have_taken_over(plane: ControlPlane) -> None:
    one, two = Replica(plane, "one"), Replica(plane, "two")
    assert not one.leadership.is_sure()
    await one.attempt()
    assert not await two.attempt()
    assert one.leadership.is_sure()
    one.now += 7.9
    assert one.leadership.is_sure()
    one.now += 0.2
    assert one.leadership.leading
    assert not one.leadership.is_sure()
    assert await two.attempt(8.1)
    assert two.leadership.is_sure()
    assert not await one.attempt()
    assert not one.leadership.is_sure()


async def test_one_that_ends_in_order_is_sure_no_longer(plane: ControlPlane) -> None:
    one = Replica(plane, "one")
    await one.attempt()
    await one.leadership.release()
    assert not one.leadership.is_sure()


async def test_a_leader_whose_connection_died_unnoticed_has_another_in_time(
    plane: ControlPlane,
) -> None:
    with FaultyProxy(plane.api.url) as proxy:
        client = await open_kube_client(Path(await plane.kubeconfig(proxy)))
        lease_client = client.with_timeout(QUICK)
        one = Replica(plane, "one", lease_client, client)
        await one.attempt()
        before = await renewed_at(plane)
        await asyncio.to_thread(proxy.freeze)
        await one.attempt()
        assert await renewed_at(plane) != before
        await lease_client.close()
        await client.close()


async def test_a_leader_all_of_whose_connections_died_unnoticed_has_another_in_time(
    plane: ControlPlane,
) -> None:
    with FaultyProxy(plane.api.url) as proxy:
        client = await open_kube_client(Path(await plane.kubeconfig(proxy)))
        clients = clients_of_lease(client, QUICK * RENEWALS)
        one = Replica(plane, "one", *clients)
        await one.attempt()
        await client.get(lease_at(ObjectKey(plane.namespace, NAME)))
        before = await renewed_at(plane)
        await asyncio.to_thread(proxy.freeze)
        await one.attempt()
        assert await renewed_at(plane) != before
        await clients.close()
        await client.close()


async def test_a_leader_that_could_not_renew_does_so_before_another_takes_over(
    plane: ControlPlane,
) -> None:
    one, two = Replica(plane, "one"), Replica(plane, "two")
    await one.attempt()
    assert not await two.attempt()
    async with plane.outage():
        await one.attempt(20)
        await two.attempt(20)
    assert not await two.attempt(LOOK)
    assert await one.attempt(LOOK)
    assert not await two.attempt(7)
    assert (one.turns, two.turns) == ([True], [])


async def test_one_that_died_while_nobody_could_renew_is_followed_soon(plane: ControlPlane) -> None:
    one, two = Replica(plane, "one"), Replica(plane, "two")
    await one.attempt()
    assert not await two.attempt()
    async with plane.outage():
        await two.attempt(20)
    assert not await two.attempt(LOOK)
    assert await two.attempt(3 * LOOK)


async def test_one_that_died_is_followed_though_the_api_server_answers_slowly_each_time(
    plane: ControlPlane,
) -> None:
    one, two = Replica(plane, "one"), Replica(plane, "two")
    await one.attempt()
    assert not await two.attempt()
    for _ in range(6):  # each look comes as late as after an outage
        two.now += 2.1 * LOOK
        await two.leadership.attempt()
    assert two.leadership.leading


async def test_a_slow_api_server_keeps_nobody_from_leading(plane: ControlPlane) -> None:
    too_short = plane.client.with_timeout(0.0001)
    assert await Replica(plane, "one", too_short).attempt()
    await too_short.close()


async def renewed_at(plane: ControlPlane) -> str:
    lease = await plane.client.get(lease_at(ObjectKey(plane.namespace, NAME)))
    return str(lease["spec"]["renewTime"])
