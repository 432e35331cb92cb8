"""Where a router finds the ledger of its limits."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from airouter.config.budget import PeriodBudget
from airouter.config.delivery import pack_snapshot
from airouter.config.snapshot import Auth, ClientKey, Limits, Model, Snapshot
from airouter.limits.ledger.operator import OperatorLedger
from airouter.limits.ledger.written import WrittenBudgets
from airouter.limits.shared_limits import SharedLimits
from support.config import MOCK, manifest
from support.in_loop import served
from support.ports import free_port
from support.replicas import CHAT, TEAM
from support.stream_control import stream_control

PATIENCE = 60.0


def a_manifest(**spec: Any) -> str:
    """A model that may be asked once a minute."""
    model = {"name": "m", "backends": [{"credential": "mock"}], "limits": {"rpm": 1}}
    return manifest([MOCK], [model], **spec)


@pytest.mark.parametrize("spec", [{}, {"ledger": {"type": "Local"}}])
async def test_a_router_that_files_feed_counts_alone(
    spec: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with served(a_manifest(**spec)) as router:
        assert [(await router.chat()).status_code for _ in range(2)] == [200, 429]
        assert (await router.client.get("/health")).json()["ledger"] is None
    assert "ledger" not in caplog.text


async def test_a_router_that_files_feed_says_that_it_has_no_operator_to_count_for_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with served(a_manifest(ledger={"type": "Operator"})) as router:
        assert [(await router.chat()).status_code for _ in range(2)] == [200, 429]
    assert "limits hold for this process alone" in caplog.text


@pytest.mark.parametrize("ledger", ["Auto", "Operator"])
async def test_a_router_that_an_operator_feeds_shares_its_limits_there(
    ledger: str, tmp_path: Path
) -> None:
    auth = Auth(clients=(ClientKey("team", "00" * 32, limits=Limits(rpm=600)),))
    snapshot = Snapshot(models=(Model("m"),), auth=auth, ledger=ledger)
    async with stream_control() as operator, asyncio.timeout(PATIENCE):
        operator.publish("one", 1, pack_snapshot(snapshot))
        limits = SharedLimits("pod-0", tmp_path / "ledger.sqlite")
        limits.operator = OperatorLedger(PATIENCE)
        limits.reload(snapshot)
        assert limits.as_json() == {"connected": False, "share_in_force": None}
        limits.operator.follow(operator.stream)
        while limits.as_json() != {"connected": True, "share_in_force": None}:
            await asyncio.sleep(0.05)
        limits.reload(Snapshot(models=snapshot.models, auth=auth, ledger="Local"))
        assert limits.as_json() is None
        limits.limiter.reserve(TEAM, "m", CHAT).settle(1, 1)
        await limits.close()


async def test_a_router_that_ends_as_it_changes_its_ledger_leaves_no_file_open(
    tmp_path: Path,
) -> None:
    file = tmp_path / "ledger.sqlite"
    budget = PeriodBudget("1", "Day")
    auth = Auth(clients=(ClientKey("team", "00" * 32, budgets=(budget,)),))
    limits = SharedLimits("pod-0", file)
    limits.reload(Snapshot(auth=auth))
    (scope,) = limits.budgets.of(TEAM)
    async with asyncio.timeout(PATIENCE):
        while not scope.lease.is_known:
            await limits.budgets.look([scope])
    url = f"redis://127.0.0.1:{free_port()}/0"
    limits.reload(Snapshot(auth=auth, ledger="Redis", redis_url=url))
    await limits.close()
    other = WrittenBudgets(file)
    assert [each.amount for each in (await other.open()).values()] == [0]
    await other.close()
