"""Limits over four replicas that ask an operator over real TLS, with time in the test's hand."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count

import pytest

from airouter.config.snapshot import Limits
from airouter.limits import Permit
from airouter.limits.ledger.operator import OperatorLedger
from airouter_operator.delivering.ledger import LimitLedger
from airouter_operator.delivering.ledger_store import LedgerStore
from support.replicas import PATIENCE, Replicas
from support.stream_control import KEY, StreamControl, stream_control

RPM = Limits(rpm=600)
BEGINS = count(1 << 41, 1 << 30)


class Operated:
    """Replicas, and the operator whose ledger they share."""

    def __init__(self, limits: Limits, operator: StreamControl, ledger: OperatorLedger) -> None:
        self.operator = operator
        self.replicas = Replicas(limits, ledger, off=30.0)
        self.elect()

    def elect(self) -> None:
        """Have another leader."""
        self.operator.channels.withdraw_all()
        self.operator.publish("one", 1)
        channel = self.operator.channels.get(KEY)
        assert channel is not None
        store = LedgerStore(self.operator.secrets, KEY, "uid")
        channel.ledger = LimitLedger(store, self._clock_from)

    async def hand_over(self) -> None:
        """Have the leader end in order, though it is the same that leads next."""
        await self.operator.exchanges.hand_over()

    def _clock_from(self, step: int) -> Callable[[], int]:
        now = self.replicas.ledger.step
        begin, began = step or next(BEGINS), now()
        return lambda: begin + now() - began

    @contextlib.contextmanager
    def without_leader(self) -> Iterator[None]:
        """While this lasts, nobody leads."""
        self.operator.leads = self.operator.ready = False
        yield
        self.operator.leads = self.operator.ready = True


@contextlib.asynccontextmanager
async def operated(limits: Limits) -> AsyncIterator[Operated]:
    """Replicas that have settled."""
    async with stream_control() as operator:
        ledger = OperatorLedger(PATIENCE)
        ledger.follow(operator.stream)
        found = Operated(limits, operator, ledger)
        await found.replicas.settle()
        yield found
        await ledger.close()


def lately(replicas: Replicas) -> int:
    """The requests of the last minute, and a second."""
    return len([at for at in replicas.admitted if at > replicas.time.now - 61])


@pytest.mark.parametrize("where", ["one", "all", "moving"])
async def test_no_minute_has_more_than_allowed_and_none_many_fewer(where: str) -> None:
    async with operated(RPM) as found:
        await found.replicas.demand(where, 130)
        assert found.replicas.most_in_a_minute() <= 600
        assert lately(found.replicas) >= 582


async def test_what_is_settled_in_a_minute_is_over_the_tokens_by_no_more_than_estimates() -> None:
    async with operated(Limits(tpm=60_000)) as found:
        replicas = found.replicas
        settled: list[tuple[float, int]] = []
        until = replicas.time.now + 130
        while replicas.time.now < until:
            permit = await replicas.ask(replicas.random.choice("abcd"))
            if permit is not None:
                tokens_out = replicas.random.randint(20, 180)
                permit.settle(100, tokens_out)
                settled.append((replicas.time.now, 100 + tokens_out))
            await replicas.advance(0.02)
        of_minutes = [sum(n for at, n in settled if to - 60 < at <= to) for to, _ in settled]
        assert max(of_minutes) <= 60_000 * 1.02
        assert of_minutes[-1] >= 58_200


async def test_never_one_more_request_at_the_same_time_than_allowed() -> None:
    async with operated(Limits(max_concurrent=10)) as found:
        replicas = found.replicas
        running: list[tuple[float, Permit]] = []
        busy = 0
        for _ in range(4_000):
            permit = await replicas.ask(replicas.random.choice("abcd"))
            if permit is not None:
                running.append((replicas.time.now + replicas.random.uniform(0.05, 1), permit))
            assert len(running) <= 10
            busy += len(running)
            await replicas.advance(0.01)
            for done in [each for each in running if each[0] <= replicas.time.now]:
                running.remove(done)
                done[1].settle(1, 1)
        assert busy / 4_000 > 7


async def test_an_operator_that_is_gone_for_minutes_never_lets_more_through() -> None:
    async with operated(RPM) as found:
        replicas = found.replicas
        await replicas.demand("all", 30)
        with found.without_leader():
            await replicas.demand("all", 150)
        alone = [at for at in replicas.admitted if at > replicas.time.now - 85]
        assert len(alone) >= 560  # by the shares, which are almost a quarter each
        await replicas.demand("all", 125)
        assert replicas.most_in_a_minute() <= 600
        assert lately(replicas) >= 582


@pytest.mark.parametrize("between", [0, 5, 100])
async def test_another_leader_without_memory_never_lets_more_through(between: int) -> None:
    async with operated(RPM) as found:
        replicas = found.replicas
        await replicas.demand("all", 30)
        with found.without_leader():
            await replicas.demand("moving", between)
        found.elect()
        await replicas.demand("moving", 135)
        assert replicas.most_in_a_minute() <= 600
        assert lately(replicas) >= 582


@pytest.mark.parametrize("between", [0, 2, 100])
async def test_a_leader_that_ends_in_order_hands_on_what_it_knows(between: int) -> None:
    async with operated(RPM) as found:
        replicas = found.replicas
        await replicas.demand("all", 70)
        await found.hand_over()
        with found.without_leader():
            await replicas.demand("moving", between)
        found.elect()
        resumed = replicas.time.now
        await replicas.demand("moving", 130)
        assert replicas.most_in_a_minute() <= 600
        lost = 600 - len([at for at in replicas.admitted if resumed <= at < resumed + 63])
        assert lost <= (60 if between < 3 else 600)
        assert lately(replicas) >= 582


async def test_what_is_handed_over_keeps_the_shares_that_pods_have_lived_by_meanwhile() -> None:
    async with operated(RPM) as found:
        replicas = found.replicas
        await found.hand_over()
        with found.without_leader():
            await replicas.demand("all", 100)
        found.elect()
        for name in "bcd":
            replicas.cut_off(name)
        await replicas.demand("all", 20)
        for name in "bcd":
            replicas.reconnect(name)
        await replicas.demand("all", 130)
        assert replicas.most_in_a_minute() <= 600
        assert lately(replicas) >= 582


async def test_what_was_handed_over_is_taken_once() -> None:
    async with operated(RPM) as found:
        replicas = found.replicas
        await replicas.demand("all", 30)
        await found.hand_over()
        found.elect()
        await replicas.demand("all", 5)
        found.elect()  # which knows nothing of the last five seconds
        await replicas.demand("all", 130)
        assert replicas.most_in_a_minute() <= 600
        assert lately(replicas) >= 582


async def test_a_handover_that_nobody_gets_is_as_if_there_was_none() -> None:
    async with operated(RPM) as found:
        replicas = found.replicas
        await replicas.demand("all", 30)
        found.operator.secrets.is_down = True
        await found.hand_over()
        found.operator.secrets.is_down = False
        found.elect()
        await replicas.demand("all", 135)
        assert replicas.most_in_a_minute() <= 600
        assert lately(replicas) >= 582


@pytest.mark.parametrize("between", [0, 20])
async def test_a_demand_that_goes_on_is_answered_while_leaders_change(between: int) -> None:
    async with operated(RPM) as found:
        replicas = found.replicas
        await replicas.demand("all", 70)
        with found.without_leader():
            await replicas.demand("all", between)
        found.elect()
        await replicas.demand("all", 61 - between)
        assert lately(replicas) >= 500, "each goes on as before, with what was its share at most"
        assert replicas.most_in_a_minute() <= 600


async def test_replicas_that_die_and_others_that_come_never_let_more_through() -> None:
    async with operated(RPM) as found:
        replicas = found.replicas
        for name, seconds in (("e", 3), ("f", 30), ("g", 40)):
            await replicas.demand("all", seconds)
            replicas.kill(min(replicas.pods))
            replicas.add(name)
        with found.without_leader():
            await replicas.demand("all", 100)
        await replicas.demand("moving", 70)
        assert replicas.most_in_a_minute() <= 600
