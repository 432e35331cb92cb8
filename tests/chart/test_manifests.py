"""What the chart renders is in `manifests/`, too, for those who do without Helm.

`manifests/install/` is its default, `manifests/injector/` the same with routers that are put into
pods of applications.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.rendering import CHART, NAMESPACE, Object, helm
from support.kubernetes.apiserver import ApiServer

MANIFESTS = Path(__file__).parents[2] / "manifests"
INSTALL = MANIFESTS / "install"
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


def in_order_of_names(part: Any) -> Any:
    """Lists whose items have names, sorted by them: a patch puts what is new first."""
    if isinstance(part, dict):
        return {name: in_order_of_names(value) for name, value in part.items()}
    if not isinstance(part, list):
        return part
    items = [in_order_of_names(item) for item in part]
    named = all(isinstance(item, dict) and "name" in item for item in items)
    return sorted(items, key=lambda item: str(item["name"])) if named else items


def with_namespaces(text: str) -> dict[tuple[str, str], Object]:
    """Objects without what is Helm's own."""
    found = {}
    for document in filter(None, yaml.safe_load_all(text)):
        for label in HELMS:
            document["metadata"].get("labels", {}).pop(label, None)
            template = document.get("spec", {}).get("template", {})
            template.get("metadata", {}).get("labels", {}).pop(label, None)
        name = document["kind"], document["metadata"]["name"]
        found[name] = in_order_of_names(document)
    return found


@pytest.fixture
def injector(kubernetes: ApiServer, tmp_path: Path) -> str:
    """The objects of the injector, once a person has said the namespace and the tag of images."""
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    replace_in(tmp_path, "injector", "namespace: airouter-system", f"namespace: {NAMESPACE}")
    replace_in(tmp_path, "install", "newTag: 0.1.0", "newTag: 9.9.9")
    return kubernetes.kubectl("kustomize", str(tmp_path / "manifests" / "injector"))


def replace_in(folder: Path, component: str, old: str, new: str) -> None:
    file = folder / "manifests" / component / "kustomization.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_the_injector_is_what_the_chart_renders_in_whatever_namespace(injector: str) -> None:
    tags = ("--set", "router.image.tag=9.9.9", "--set", "operator.image.tag=9.9.9")
    options = ("--set", "crds.install=false", "--set", "operator.injector.enabled=true", *tags)
    chart = helm(4, "template", RELEASE, str(CHART), "--namespace", NAMESPACE, *options)
    assert with_namespaces(injector) == with_namespaces(chart)


def test_the_api_server_takes_the_injector(kubernetes: ApiServer, injector: str) -> None:
    options = ("--server-side", "--dry-run=server", "-f", "-")
    applied = kubernetes.kubectl("apply", *options, input=injector)
    assert len(applied.splitlines()) == len(with_namespaces(injector))
