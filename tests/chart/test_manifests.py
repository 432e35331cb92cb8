"""`manifests/install/` is the chart's default, for those who do without Helm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from chart.rendering import CHART, NAMESPACE, Object, helm
from support.kubernetes.apiserver import ApiServer

INSTALL = Path(__file__).parents[2] / "manifests" / "install"
RELEASE = "auto-ai-router"
HELMS = ("helm.sh/chart", "app.kubernetes.io/managed-by")
"""Labels that only Helm gives."""


def plain(part: Any) -> Any:
    """Without what is Helm's own, and without namespaces, which people choose."""
    if isinstance(part, dict):
        gone = {*HELMS, "namespace"}
        return {name: plain(value) for name, value in part.items() if name not in gone}
    return [plain(item) for item in part] if isinstance(part, list) else part


def by_name(text: str) -> dict[tuple[str, str], Object]:
    documents = [document for document in yaml.safe_load_all(text) if document]
    return {(d["kind"], d["metadata"]["name"]): plain(d) for d in documents}


def test_both_are_the_same_objects(kubernetes: ApiServer) -> None:
    options = ("--namespace", NAMESPACE, "--set", "crds.install=false")
    chart = by_name(helm(4, "template", RELEASE, str(CHART), *options))
    manifests = by_name(kubernetes.kubectl("kustomize", str(INSTALL)))
    assert manifests.keys() == chart.keys()
    for name, found in chart.items():
        assert manifests[name] == found


def test_the_api_server_takes_them(kubernetes: ApiServer) -> None:
    objects = kubernetes.kubectl("kustomize", str(INSTALL))
    options = ("--server-side", "--dry-run=server", "-n", NAMESPACE, "-f", "-")
    applied = kubernetes.kubectl("apply", *options, input=objects)
    assert len(applied.splitlines()) == len(by_name(objects))
