"""Requests that wait for the ledger, and a ledger that keeps them waiting."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from airouter.bookkeeping.messages import WHOLE, LeaseGrant, LedgerAnswer, LedgerMessage, Line
from airouter.config.snapshot import Auth, ClientKey, Limits, Model, Snapshot
from airouter.dialects.client_request import ClientRequest
from airouter.failures import Failure
from airouter.limits import Limiter, Permit
from airouter.limits.ledger.base import RemoteLedger
from airouter.limits.ledger.exchanger import Exchanger
from airouter.limits.ledger.lease import Lease
from airouter.limits.ledger.leases import Leases
from support.replicas import CHAT, TEAM, a_chat


class HandHeldLedger(RemoteLedger):
    """A ledger that grants what is needed, once the test lets it."""

    def __init__(self) -> None:
        self.messages: list[LedgerMessage] = []
        self.answers = asyncio.Event()
        self.answers.set()

    async def exchange(self, message: LedgerMessage) -> LedgerAnswer:
        self.messages.append(message)
        await self.answers.wait()
        grants = [LeaseGrant(line.needed, 0, 0) for line in message.lines]
        return LedgerAnswer(1, 1, WHOLE, grants)

    async def close(self) -> None:
        """Nothing to let go of."""


class FaultyLedger(HandHeldLedger):
    """A ledger that fails at first, in a way that nobody has thought of."""

    async def exchange(self, message: LedgerMessage) -> LedgerAnswer:
        answer = await super().exchange(message)
        if len(self.messages) == 1:
            raise ZeroDivisionError("the unexpected")
        return answer


class FaultyLease(Lease):
    """A lease that fails at first, when it is to say what there is to tell of it."""

    has_failed = False

    def line(self, step: int, *, regular: bool) -> Line:
        if not self.has_failed:
            self.has_failed = True
            raise ZeroDivisionError("the unexpected")
        return super().line(step, regular=regular)


class LedgerOfTokens(HandHeldLedger):
    """A ledger that has tokens, and not one request more."""

    async def exchange(self, message: LedgerMessage) -> LedgerAnswer:
        answer = await super().exchange(message)
        spent = [LeaseGrant(0, 20, 0) if "requests" in line.key else None for line in message.lines]
        grants = [none or grant for none, grant in zip(spent, answer.grants, strict=True)]
        return replace(answer, grants=grants)


class Waiting:
    """A limiter with a client, before that ledger."""

    def __init__(
        self,
        patience: float = 60.0,
        ledger: HandHeldLedger | None = None,
        limits: Limits = Limits(rpm=600),  # noqa: B008 - frozen
        **client: Any,
    ) -> None:
        self.ledger = ledger or HandHeldLedger()
        self.leases = Leases("a", lambda: 1_000.0)
        self.limiter = Limiter(lambda: 1_000.0, self.leases, patience)
        self.exchanger = Exchanger(self.leases, self.ledger)
        self.limiter.ask = self.exchanger.ask
        clients = (ClientKey("team", "00" * 32, limits=limits, **client),)
        snapshot = Snapshot(models=(Model("m"),), auth=Auth(clients=clients), ledger="Redis")
        self.limiter.reload(snapshot)

    async def ask(self, request: ClientRequest = CHAT, *, is_part: bool = False) -> Permit:
        """A request that finds nothing left. Raises `Failure`."""
        with pytest.raises(Failure) as caught:
            self.limiter.reserve(TEAM, "m", request, is_part=is_part)
        return await self.limiter.reserve_later(TEAM, "m", request, caught.value, is_part=is_part)


async def test_requests_that_wait_share_one_message() -> None:
    waiting = Waiting()
    await waiting.exchanger.exchange_all()
    waiting.ledger.messages.clear()
    await asyncio.gather(*(waiting.ask() for _ in range(100)))
    assert [[line.needed for line in each.lines] for each in waiting.ledger.messages] == [[100]]


async def test_requests_that_come_while_a_message_is_under_way_share_the_next() -> None:
    waiting = Waiting()
    await waiting.exchanger.exchange_all()
    waiting.ledger.messages.clear()
    waiting.ledger.answers.clear()
    first = asyncio.create_task(waiting.ask())
    while not waiting.ledger.messages:
        await asyncio.sleep(0)
    later = [asyncio.create_task(waiting.ask()) for _ in range(50)]
    await asyncio.sleep(0)
    waiting.ledger.answers.set()
    await asyncio.gather(first, *later)
    needed = [each.lines[0].needed for each in waiting.ledger.messages]
    assert (needed[0], sum(needed)) == (1, 51)
    assert len(needed) <= 3


async def test_a_ledger_that_says_nothing_keeps_a_request_no_longer_than_a_moment() -> None:
    waiting = Waiting(patience=0.01)
    await waiting.exchanger.exchange_all()
    waiting.ledger.answers.clear()
    for _ in range(3):
        with pytest.raises(Failure) as caught:
            await waiting.ask()
        assert caught.value.status == 429
    assert len(waiting.ledger.messages) == 2  # no request sends one of its own
    waiting.ledger.answers.set()


async def test_a_ledger_that_was_never_reached_keeps_nobody_waiting() -> None:
    waiting = Waiting()
    with pytest.raises(Failure):
        await waiting.ask()
    assert waiting.ledger.messages == []


async def test_a_batch_client_that_waits_in_line_asks_the_ledger_too() -> None:
    waiting = Waiting(is_batch=True)
    await waiting.exchanger.exchange_all()
    permits = await asyncio.gather(*(waiting.ask() for _ in range(3)))
    assert len(permits) == 3


async def test_a_part_of_a_request_is_granted_tokens_where_no_request_is_left() -> None:
    waiting = Waiting(ledger=LedgerOfTokens(), limits=Limits(rpm=1, tpm=10_000))
    await waiting.exchanger.exchange_all()
    with pytest.raises(Failure, match="requests per minute"):
        await waiting.ask()
    assert await waiting.ask(a_chat(max_tokens=5_000), is_part=True)


@pytest.mark.parametrize("follows", [True, False])
async def test_a_request_that_waits_for_a_ledger_outlasts_it(follows: bool) -> None:
    waiting, other = Waiting(), HandHeldLedger()
    waiting.ledger.answers.clear()
    speaking = asyncio.create_task(waiting.exchanger.exchange_all())
    while not waiting.ledger.messages:
        await asyncio.sleep(0)
    waiting.leases.contact.is_up = True
    request = asyncio.create_task(waiting.ask())
    await asyncio.sleep(0)
    another = Exchanger(waiting.leases, other)
    waiting.limiter.ask = another.ask if follows else None
    await waiting.exchanger.close()
    waiting.ledger.answers.set()
    async with asyncio.timeout(60):
        await speaking
        if follows:
            assert await request
        else:
            with pytest.raises(Failure, match="limit"):
                await request


async def test_a_fault_ends_one_exchange_and_not_those_after_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("airouter.limits.ledger.exchanger.EVERY", 0.01)
    waiting, ledger = Waiting(), FaultyLedger()
    exchanger = Exchanger(waiting.leases, ledger)
    exchanger.start()
    async with asyncio.timeout(60):
        while len(ledger.messages) < 3:
            await asyncio.sleep(0)
        await exchanger.close()
    assert "the unexpected" in caplog.text
    assert waiting.leases.contact.is_up


async def test_a_fault_in_what_there_is_to_tell_ends_one_exchange_and_not_those_after_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("airouter.limits.ledger.exchanger.EVERY", 0.01)
    waiting = Waiting()
    waiting.leases.contact.touched.add(waiting.leases.open(FaultyLease, "faulty", 1))
    waiting.exchanger.start()
    async with asyncio.timeout(60):
        while len(waiting.ledger.messages) < 3:
            await asyncio.sleep(0)
        await waiting.exchanger.close()
    assert "the unexpected" in caplog.text
    assert waiting.leases.contact.is_up
