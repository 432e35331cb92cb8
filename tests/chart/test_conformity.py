"""Whatever values are chosen, kubeconform finds nothing wrong with what the chart renders."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from chart.conformity import Kubeconform
from chart.rendering import CI, Object, only, render
from chart.test_combinations import COMBINATIONS, combination
from chart.test_manifests import MANIFESTS
from support.kubernetes.apiserver import ApiServer

KUSTOMIZATIONS = sorted(
    str(path.parent.relative_to(MANIFESTS)) for path in MANIFESTS.rglob("kustomization.yaml")
)


@pytest.fixture(scope="module")
def kubeconform(kubernetes: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Kubeconform:
    return Kubeconform(kubernetes, tmp_path_factory.mktemp("schemas"))


def written(folder: Path, name: str, objects: list[Object]) -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    return file


def test_kubeconform_takes_any_combination_of_values(
    kubeconform: Kubeconform, tmp_path: Path
) -> None:
    rendered = {str(number): render(values=combination(number)) for number in COMBINATIONS}
    rendered |= {ci: render(ci) for ci in CI}
    files = [written(tmp_path, name, objects) for name, objects in rendered.items()]
    assert kubeconform.problems(*files) == []


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_kubeconform_takes_the_plain_manifests(
    kubernetes: ApiServer, kubeconform: Kubeconform, tmp_path: Path, kustomization: str
) -> None:
    text = kubernetes.kubectl("kustomize", str(MANIFESTS / kustomization))
    objects = [document for document in yaml.safe_load_all(text) if document]
    assert kubeconform.problems(written(tmp_path, "objects", objects)) == []


def test_kubeconform_refuses_what_kubernetes_or_our_crd_does_not_know(
    kubeconform: Kubeconform, tmp_path: Path
) -> None:
    service = only("Service", render(), "router")
    service["spec"]["typo"] = 1
    config = yaml.safe_load((MANIFESTS / "samples" / "mock.yaml").read_text())
    config["spec"]["models"] = [{"name": "m", "backend": []}]
    found = "\n".join(kubeconform.problems(written(tmp_path, "wrong", [service, config])))
    assert "typo" in found
    assert "backend" in found
