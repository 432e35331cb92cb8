"""Alerts and the dashboard are about metrics that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import cast

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from airouter.config.store import Reload
from airouter.limits.usage import LimitUsage
from airouter.routing.catalog import Load
from airouter.telemetry.metrics import Metrics
from airouter_operator.app import Operator
from airouter_operator.kube.client import KubeClient
from airouter_operator.settings import OperatorSettings
from chart.rendering import (
    CHART,
    container,
    of_kind,
    only,
    operator,
    pod_templates,
    render,
    router,
)
from support.kubernetes.binaries import binaries
from support.routes import some_bans

ALERTS = CHART / "files" / "alerts.yaml"
DASHBOARD = CHART / "files" / "dashboards" / "auto-ai-router.json"
NAME = re.compile(r"\b(airouter_\w+|process_\w+)")
SUFFIXES = re.compile("_(bucket|sum|count)$")


class SomeLimits:
    """A limit that is used to a half."""

    def most_used(self) -> list[LimitUsage]:
        return [LimitUsage("client", "team-a", "requests", 0.5)]


class Idle:
    """A router that does nothing."""

    bans = some_bans("main")
    reload = Reload()
    ledger: Mapping[str, object] = {"connected": True}

    loads = MappingProxyType({"openai-main": Load()})
    pipeline = SimpleNamespace(heartbeats=SimpleNamespace(sent=4))
    shared_limits = SimpleNamespace(limiter=SomeLimits())

    def in_flight(self) -> Mapping[str, int]:
        return {"main": 0}

    def connections(self) -> int:
        return 0

    def condition(self) -> str:
        return "degraded"

    def config_version(self) -> str:
        return "1"

    def last_reload_successful(self) -> bool:
        return True

    def last_reload_time(self) -> float:
        return 0

    def dropped(self) -> Mapping[str, int]:
        return {"records": 0, "spans": 0, "log_lines": 0}


async def exported() -> set[str]:
    """The names of all that router and operator export."""
    unasked = cast("KubeClient", None)
    pages = [
        Metrics(Idle()).render("")[0],
        Operator(OperatorSettings(namespace="ai"), unasked, unasked).metrics.render("")[0],
    ]
    names = set()
    for page in pages:
        for family in text_string_to_metric_families(page.decode()):
            names |= {family.name, f"{family.name}_total", f"{family.name}_info"}
    return names


@pytest.mark.parametrize("path", [ALERTS, DASHBOARD], ids=lambda path: path.name)
async def test_every_metric_exists(path: Path) -> None:
    names = {SUFFIXES.sub("", name) for name in NAME.findall(expressions(path))}
    assert len(names) > 5
    assert names - await exported() == set()


def expressions(path: Path) -> str:
    """Every query of a file."""
    document = yaml.safe_load(path.read_text())
    if path == ALERTS:
        return "\n".join(rule["expr"] for group in document["groups"] for rule in group["rules"])
    targets = [target for panel in document["panels"] for target in panel.get("targets", ())]
    return "\n".join(target["expr"] for target in targets)


@pytest.fixture
def promtool() -> Path:
    return binaries().path("promtool")


def test_promtool_finds_nothing_wrong_with_the_alerts(promtool: Path) -> None:
    subprocess.run([promtool, "check", "rules", "--lint-fatal", ALERTS], check=True, timeout=300)


def test_alerts_fire_when_they_should(promtool: Path, tmp_path: Path) -> None:
    shutil.copy(ALERTS, tmp_path / "alerts.yaml")
    shutil.copy(Path(__file__).with_name("alerts.test.yaml"), tmp_path)
    tests = tmp_path / "alerts.test.yaml"
    subprocess.run([promtool, "test", "rules", tests], check=True, timeout=300)


def test_every_alert_has_a_test() -> None:
    alerts = [r["alert"] for g in yaml.safe_load(ALERTS.read_text())["groups"] for r in g["rules"]]
    cases = yaml.safe_load(Path(__file__).with_name("alerts.test.yaml").read_text())["tests"]
    assert {c["alertname"] for case in cases for c in case["alert_rule_test"]} == set(alerts)


def test_every_query_of_the_dashboard_is_promql(promtool: Path, tmp_path: Path) -> None:
    queries = expressions(DASHBOARD).replace("$__rate_interval", "5m").splitlines()
    rules = [{"record": f"query:{number}", "expr": q} for number, q in enumerate(queries)]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    subprocess.run([promtool, "check", "rules", file], check=True, timeout=300)


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not taken & cells
        taken |= cells


def test_the_rule_and_the_dashboard_are_the_files() -> None:
    objects = render("everything-on")
    rule = only("PrometheusRule", objects)
    assert rule["spec"] == yaml.safe_load(ALERTS.read_text())
    (board,) = [o for o in objects if o["metadata"]["name"] == "llm-dashboard"]
    assert board["data"] == {DASHBOARD.name: DASHBOARD.read_text()}
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_a_pod_monitor_scrapes_each_pod_once() -> None:
    objects = render("everything-on")
    scraped = [e["port"] for e in only("PodMonitor", objects)["spec"]["podMetricsEndpoints"]]
    for template in (router(objects), operator(objects)):
        names = [port["name"] for port in container(template)["ports"]]
        assert len([name for name in names if name in scraped]) == 1
    assert len(list(pod_templates(objects))) == 3  # and the demo's Job has no port


def test_a_service_monitor_scrapes_each_service_once() -> None:
    objects = render("load-balancer")
    monitor = only("ServiceMonitor", objects)
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    scraped = [endpoint["port"] for endpoint in monitor["spec"]["endpoints"]]
    services = of_kind("Service", objects)
    for service in services:
        assert wanted <= service["metadata"]["labels"].items()
        names = [port["name"] for port in service["spec"]["ports"]]
        assert len([name for name in names if name in scraped]) == 1
    assert len(services) == 2
