"""Dashboards and alerts of the chart in a Prometheus that scrapes a router and an operator."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.control_plane import ControlPlane, OperatorProcess
from support.mixed_load import MixedClients, MixedProviders
from support.monitoring import ALERTS, DASHBOARDS, PanelQuery, queries_of, variables_of
from support.prometheus import Prometheus, Target, prometheus
from support.router import RouterProcess

PATIENCE = 180.0
VARIABLE = re.compile(r"label_values\((?P<selector>.+), (?P<label>\w+)\)")
IN_TROUBLE = {
    "AirouterCredentialFails",
    "AirouterCredentialRefused",
    "AirouterDown",
    "AirouterErrorBudgetBurns",
    "AirouterErrorBudgetBurnsFast",
}
"""The alerts that the load of `support/mixed_load.py` is a reason for."""
AT_EASE = {
    "AirouterConfigRefused",
    "AirouterOperatorAway",
    "AirouterOperatorBlind",
    "AirouterReconcilesFail",
}
"""Some that it is no reason for, however slow the machine is."""


@pytest.fixture
async def watched(plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Prometheus]:
    """A Prometheus that scrapes a router under a mixed load, and its operator."""
    async with MixedProviders().listening() as providers:
        await plane.apply(*providers.declared())
        async with plane.operator() as operator, plane.router() as router:
            targets = scraped(plane, router, operator)
            load = MixedClients(router.url, providers).asking()
            async with prometheus(tmp_path, targets, ALERTS) as found, load:
                yield found


def scraped(plane: ControlPlane, router: RouterProcess, operator: OperatorProcess) -> list[Target]:
    """Both processes, with the labels of a PodMonitor."""
    labels = {"namespace": plane.namespace, "app_kubernetes_io_instance": "release"}
    return [
        Target(router.port, pod="pod-0", **labels),
        Target(operator.health_port, pod="operator-0", **labels),
    ]


async def empty(found: Prometheus, namespace: str) -> list[PanelQuery]:
    """The queries of dashboards that show nothing yet."""
    queries = [query for path in DASHBOARDS for query in queries_of(path)]
    return [
        query
        for query in queries
        if not await found.values(
            query.expression.replace("$namespace", namespace).replace("$__rate_interval", "15s")
        )
    ]


async def test_no_panel_of_a_dashboard_is_empty_under_a_mixed_load(
    watched: Prometheus, plane: ControlPlane
) -> None:
    left: list[PanelQuery] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while left := await empty(watched, plane.namespace):
                await asyncio.sleep(0.5)
    except TimeoutError:
        pytest.fail(f"these show nothing: {left}")
    for path in DASHBOARDS:
        for query in variables_of(path).values():
            asked = VARIABLE.fullmatch(query)
            assert asked is not None
            assert await watched.label_values(asked["label"], asked["selector"]) == [
                plane.namespace
            ]


async def test_alerts_see_a_router_in_trouble_and_an_operator_that_is_well(
    watched: Prometheus,
) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            rules = await watched.rules()
            pending = {rule["name"] for rule in rules if rule["state"] in {"pending", "firing"}}
            if pending >= IN_TROUBLE:
                break
            await asyncio.sleep(0.5)
    assert not pending & AT_EASE
    assert {(rule["health"], rule.get("lastError")) for rule in rules} == {("ok", None)}
