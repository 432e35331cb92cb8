"""Routers tell an operator over real TLS what keys were used for: all of it, and once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import pytest

from airouter.config.budget import PeriodBudget
from airouter.config.snapshot import Auth, ClientKey, KeyGrant, Snapshot
from airouter.failures import Failure
from airouter.limits.shared_limits import SharedLimits
from airouter.reporting.reporter import KeyUseReporter
from airouter.telemetry.record import RequestRecord
from airouter_operator.delivering.key_uses import NewUse
from airouter_operator.kube.objects import ObjectKey
from support.records import a_paid_record, a_record, an_attempt
from support.redis_server import redis_server
from support.spenders import reserved
from support.stream_control import StreamControl, stream_control

ONE = ObjectKey("team-a", "one")
TEAM = "client/team-a/one"
CENT = 10_000_000


def snapshot_of(budgets: tuple[PeriodBudget, ...] = (), redis_url: str | None = None) -> Snapshot:
    clients = (
        ClientKey("team-a/one", "0" * 64, grant="teams", budgets=budgets),
        ClientKey("own-client", "1" * 64),
    )
    grants = (KeyGrant("teams", ("*",)),)
    ledger = "Local" if redis_url is None else "Redis"
    auth = Auth(clients=clients, grants=grants)
    return Snapshot(auth=auth, ledger=ledger, redis_url=redis_url)


class Reporting:
    """A router's part in it, and its operator."""

    def __init__(self, operator: StreamControl, limits: SharedLimits, snapshot: Snapshot) -> None:
        self.operator = operator
        self.limits = limits
        self.reporter = KeyUseReporter("pod-0", limits, lambda: snapshot, every=3600.0)
        self.reporter.follow(operator.stream)

    def use(self, principal: str = "team-a/one", **fields: int | str) -> None:
        self.reporter.consume([used(principal, **fields)])

    def heard(self) -> NewUse:
        """What the operator has heard of the key since the last time."""
        uses = self.operator.uses
        uses.end()
        use = uses.begin(ONE, {})
        uses.done(ONE)
        uses.has_ended = False
        return NewUse(0, 0, 0, 0.0, None, None, {}) if use is None else use

    def told(self) -> tuple[int, int]:
        """Requests and tokens of that."""
        return self.heard()[:2]


def used(principal: str, **fields: int | str) -> RequestRecord:
    record = a_record(an_attempt())
    record.principal, record.input_tokens, record.output_tokens = principal, 3, 4
    record.ended = monotonic()
    for name, value in fields.items():
        setattr(record, name, value)
    return record


@contextlib.asynccontextmanager
async def reporting(
    tmp_path: Path, budgets: tuple[PeriodBudget, ...] = (), redis_url: str | None = None
) -> AsyncIterator[Reporting]:
    async with stream_control() as operator, asyncio.timeout(60):
        operator.publish("m", 1)
        snapshot = snapshot_of(budgets, redis_url)
        limits = SharedLimits("pod-0", tmp_path / "ledger")
        limits.reload(snapshot)
        router = Reporting(operator, limits, snapshot)
        try:
            yield router
        finally:
            await router.reporter.close()
            await limits.close()


async def test_requests_and_tokens_of_routerkeys_are_told_and_of_nobody_else(
    tmp_path: Path,
) -> None:
    async with reporting(tmp_path) as router:
        router.use()
        router.use("own-client")
        router.use("")
        router.use(status=429)
        router.use(status=502)
        router.use(model="")
        assert await router.reporter.tell()
        assert router.told() == (1, 7)
        assert not await router.reporter.tell()


async def test_nothing_is_lost_and_nothing_counts_twice_while_no_operator_answers(
    tmp_path: Path,
) -> None:
    async with reporting(tmp_path) as router:
        operator = router.operator
        router.use()
        operator.leads = operator.ready = False
        assert not await router.reporter.tell()
        router.use()
        assert not await router.reporter.tell()
        operator.leads = operator.ready = True
        assert await router.reporter.tell()
        assert router.told() == (1, 7)
        assert await router.reporter.tell()
        assert router.told() == (1, 7)


async def test_a_router_that_ends_tells_the_last_of_it(tmp_path: Path) -> None:
    async with reporting(tmp_path) as router:
        router.use()
        await router.reporter.close()
        assert router.told() == (1, 7)


async def test_a_router_that_ends_while_it_asks_its_ledger_tells_the_last_of_it(
    tmp_path: Path,
) -> None:
    budget = PeriodBudget("0.10", "Total")
    async with reporting(tmp_path, (budget,), "redis://127.0.0.1:1") as router:
        asks = asyncio.Event()

        async def no_answer() -> None:
            asks.set()
            await asyncio.Event().wait()

        router.limits.budgets.ask = no_answer
        router.use()
        telling = asyncio.create_task(router.reporter.tell())
        await asks.wait()
        telling.cancel()
        await asyncio.wait({telling})
        await router.reporter.close()
        assert router.told() == (1, 7)


async def test_what_an_answer_costs_that_did_not_reach_its_client_is_told(
    tmp_path: Path,
) -> None:
    async with reporting(tmp_path) as router:
        record = a_paid_record()
        record.principal, record.status, record.ended = "team-a/one", 502, monotonic()
        router.reporter.consume([record])
        await router.reporter.tell()
        assert router.heard()[:3] == (0, 0, 3_250_000)


async def test_a_key_that_was_refused_has_been_used(tmp_path: Path) -> None:
    async with reporting(tmp_path) as router:
        router.use(status=429)
        await router.reporter.tell()
        use = router.heard()
        assert use.last_used > 0
        assert (use.requests, use.exhausted) == (0, None)


async def spend(router: Reporting, amount: int) -> None:
    """Spend so much, once the ledger grants it."""
    budgets = router.limits.budgets
    while True:
        try:
            spending = await reserved(budgets, TEAM, amount)
        except Failure:  # a ledger that is new settles first
            await asyncio.sleep(0.05)
        else:
            spending.settle(amount)
            return


async def until_short(router: Reporting) -> None:
    """Spend all of it, and more where that is not refused."""
    budgets = router.limits.budgets
    scopes = budgets.of(TEAM)
    while not scopes[0].fell_short:
        with contextlib.suppress(Failure):
            (await reserved(budgets, TEAM, 9 * CENT)).settle(9 * CENT)
        await asyncio.sleep(0.05)


async def told_of_money(router: Reporting) -> NewUse:
    """What is told until the ledger has said what is spent, as it does late on a slow machine."""
    await router.reporter.tell()
    use = router.heard()
    while not use.spent:
        await asyncio.sleep(0.05)
        await router.reporter.tell()
        use = use.with_later(router.heard())
    return use


@pytest.mark.parametrize("refuses", [True, False])
async def test_a_pod_with_a_redis_tells_what_is_spent_over_all_and_what_had_not_enough(
    tmp_path: Path, refuses: bool
) -> None:
    budget = PeriodBudget("0.10", "Total", refuses=refuses)
    with redis_server(tmp_path) as server:
        async with reporting(tmp_path, (budget,), server.url) as router:
            await spend(router, 2 * CENT)
            router.use()
            use = await told_of_money(router)
            assert (use.spent, use.exhausted) == ({"Total": 2 * CENT}, "")
            await until_short(router)
            router.use(status=429)
            await router.reporter.tell()
            assert router.heard().exhausted == "client"


async def test_what_a_key_has_spent_is_told_once_more_when_the_ledger_may_know_better(
    tmp_path: Path,
) -> None:
    budget = PeriodBudget("0.10", "Total")
    with redis_server(tmp_path) as server:
        async with reporting(tmp_path, (budget,), server.url) as router:
            await spend(router, 2 * CENT)
            router.use()
            await router.reporter.tell()
            assert router.heard().requests == 1
            await spend(router, 3 * CENT)
            use = await told_of_money(router)
            assert (use.requests, use.spent, use.exhausted) == (0, {"Total": 5 * CENT}, None)
            assert not await router.reporter.tell()


async def test_what_a_key_has_spent_is_told_once_the_ledger_says_it(tmp_path: Path) -> None:
    budget = PeriodBudget("0.10", "Total")
    with redis_server(tmp_path) as server:
        async with reporting(tmp_path, (budget,), server.url) as router:
            await spend(router, 2 * CENT)
            server.freeze()
            try:
                while router.limits.is_in_touch:
                    await asyncio.sleep(0.05)
                router.use()
                assert await router.reporter.tell()
                assert router.heard().spent == {}
                assert not await router.reporter.tell(), "there is nothing new to tell"
            finally:
                server.thaw()
            assert (await told_of_money(router)).spent == {"Total": 2 * CENT}
