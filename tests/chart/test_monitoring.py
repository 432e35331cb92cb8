"""Alerts and the dashboard are about metrics that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import cast

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from airouter.telemetry.metrics.exposition import Metrics
from airouter_operator.app import Operator
from airouter_operator.kube.client import KubeClient
from airouter_operator.leading.lease import LeaseClients
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
from support.metrics_table import SomeProcess
from support.monitoring import ALERTS, DASHBOARDS, alerts, panels_of, queries_of

RUNBOOKS = CHART.parents[1] / "docs" / "runbooks.md"
NAME = re.compile(r"\b(airouter_\w+|process_\w+)")
SUFFIXES = re.compile("_(bucket|sum|count)$")


async def exported() -> set[str]:
    """The names of all that router and operator export."""
    unasked = cast("KubeClient", None)
    lease = LeaseClients(unasked, unasked)
    pages = [
        Metrics(SomeProcess()).render("")[0],
        Operator(OperatorSettings(namespace="ai"), unasked, lease).metrics.render("")[0],
    ]
    names = set()
    for page in pages:
        for family in text_string_to_metric_families(page.decode()):
            names |= {family.name, f"{family.name}_total", f"{family.name}_info"}
    return names


@pytest.mark.parametrize("path", [ALERTS, *DASHBOARDS], ids=lambda path: path.name)
async def test_every_metric_exists(path: Path) -> None:
    names = {SUFFIXES.sub("", name) for name in NAME.findall(expressions(path))}
    assert len(names) > 3
    assert names - await exported() == set()


def expressions(path: Path) -> str:
    """Every query of a file."""
    if path == ALERTS:
        return "\n".join(rule["expr"] for rule in alerts())
    return "\n".join(query.expression for query in queries_of(path))


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
    names = {rule["alert"] for rule in alerts()}
    cases = yaml.safe_load(Path(__file__).with_name("alerts.test.yaml").read_text())["tests"]
    assert {c["alertname"] for case in cases for c in case["alert_rule_test"]} == names


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_every_query_of_a_dashboard_is_promql(promtool: Path, tmp_path: Path, path: Path) -> None:
    queries = expressions(path).replace("$__rate_interval", "5m").splitlines()
    rules = [{"record": f"query:{number}", "expr": q} for number, q in enumerate(queries)]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    subprocess.run([promtool, "check", "rules", file], check=True, timeout=300)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_panels_do_not_overlap(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    panels = panels_of(path)
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not taken & cells
        taken |= cells


def test_every_alert_has_a_runbook() -> None:
    sections = {
        line.removeprefix("## ").lower()
        for line in RUNBOOKS.read_text().splitlines()
        if line.startswith("## ")
    }
    rules = alerts()
    linked = [rule["annotations"]["runbook_url"] for rule in rules]
    assert linked == [f"docs/runbooks.md#{rule['alert'].lower()}" for rule in rules]
    assert {rule["alert"].lower() for rule in rules} == sections


def test_runbooks_may_be_anywhere() -> None:
    rule = only(
        "PrometheusRule", render("everything-on", {"metrics.prometheusRule.runbooks": "https://x/"})
    )
    assert f"{rule}".count("https://x/docs/runbooks.md#") == f"{rule}".count("runbook_url")


def test_the_rule_and_the_dashboards_are_the_files() -> None:
    objects = render("everything-on")
    rule = only("PrometheusRule", objects)
    assert rule["spec"] == yaml.safe_load(ALERTS.read_text())
    (board,) = [o for o in objects if o["metadata"]["name"] == "llm-dashboard"]
    assert board["data"] == {path.name: path.read_text() for path in DASHBOARDS}
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
