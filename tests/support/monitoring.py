"""What the chart has for whoever monitors: alerts, and dashboards as lists of queries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FILES = Path(__file__).parents[2] / "charts" / "auto-ai-router" / "files"
ALERTS = FILES / "alerts.yaml"
DASHBOARDS = sorted((FILES / "dashboards").glob("*.json"))


class PanelQuery(NamedTuple):
    """A query of a panel, with the variables of Grafana in it."""

    dashboard: str
    panel: str
    expression: str


def panels_of(path: Path) -> list[dict[str, Any]]:
    """All panels of a dashboard, its rows among them."""
    found: list[dict[str, Any]] = json.loads(path.read_text())["panels"]
    return found


def queries_of(path: Path) -> list[PanelQuery]:
    """Every query of a dashboard."""
    return [
        PanelQuery(path.stem, panel["title"], target["expr"])
        for panel in panels_of(path)
        for target in panel.get("targets", ())
    ]


def variables_of(path: Path) -> dict[str, str]:
    """The variables of a dashboard that Grafana asks Prometheus for, and by which query."""
    listed = json.loads(path.read_text())["templating"]["list"]
    return {each["name"]: each["query"]["query"] for each in listed if each["type"] == "query"}


def alerts() -> list[dict[str, Any]]:
    """All alerting rules."""
    return [
        rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
    ]
