"""What holds for every object, whatever the values."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has no annotations
import pytest
import yaml

import airouter
from chart.rendering import (
    CHART,
    CI,
    FOREIGN,
    NAME,
    NAMESPACE,
    RELEASE,
    VERSIONS,
    Object,
    helm,
    of_kind,
    only,
    pod_templates,
    render,
    settings,
)

MANIFESTS = Path(__file__).parents[2] / "manifests"
INSTALL = MANIFESTS / "install"
CLUSTER_WIDE = {
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "MutatingWebhookConfiguration",
}


@pytest.mark.parametrize("ci", CI)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_chart_passes_lint(version: int, ci: str) -> None:
    options = ("--strict", "--kube-version=1.34.4")
    assert "0 chart(s) failed" in helm(version, "lint", str(CHART), *options, *settings(ci))


@pytest.mark.parametrize("ci", CI)
def test_both_versions_of_helm_make_the_same(ci: str) -> None:
    by_name = [{identity(o): o for o in render(ci, version=version)} for version in VERSIONS]
    older, newer = map(without_chance, by_name)
    assert older == newer


def identity(found: Object) -> tuple[str, str, str]:
    metadata = found["metadata"]
    return found["kind"], metadata.get("namespace", ""), metadata["name"]


def without_chance(objects: dict[tuple[str, str, str], Object]) -> dict[Any, Object]:
    """The key of the demo is random."""
    return {
        key: {**found, "data": sorted(found["data"])} if key[0] == "Secret" else found
        for key, found in objects.items()
    }


@pytest.mark.parametrize("ci", CI)
@pytest.mark.parametrize("kubernetes", ["1.30", kubernetes_validate.latest_version()])
def test_every_object_fits_the_schema_of_kubernetes(kubernetes: str, ci: str) -> None:
    for found in render(ci):
        if found["kind"] not in FOREIGN:
            kubernetes_validate.validate(found, kubernetes, strict=True)


@pytest.mark.parametrize("ci", CI)
def test_every_object_says_where_and_whose_it_is(ci: str) -> None:
    for found in render(ci):
        metadata = found["metadata"]
        if metadata["name"].startswith(("airouter-map", "airouter-text")):
            continue  # extraObjects, which are as somebody wrote them
        assert ("namespace" in metadata) is (found["kind"] not in CLUSTER_WIDE), identity(found)
        labels = metadata["labels"]
        assert labels["app.kubernetes.io/instance"] == RELEASE
        assert labels["app.kubernetes.io/version"] == airouter.__version__


@pytest.mark.parametrize("ci", CI)
def test_every_object_has_a_name_of_its_own(ci: str) -> None:
    names = [identity(found) for found in render(ci)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("ci", CI)
def test_every_selector_finds_the_pods_of_one_deployment(ci: str) -> None:
    objects = render(ci)
    for found, selector in selectors(objects):
        chosen = [t for t in pod_templates(objects) if matches(selector, t["metadata"]["labels"])]
        several = found["kind"] == "PodMonitor"
        assert len(chosen) == 1 or several, identity(found)
        if found["kind"] == "Deployment":
            assert chosen == [found["spec"]["template"]]


def selectors(objects: list[Object]) -> Iterator[tuple[Object, dict[str, str]]]:
    """What chooses pods, with its labels."""
    for found in objects:
        spec = found.get("spec", {})
        match found["kind"]:
            case "Service":
                yield found, spec["selector"]
            case "Deployment":
                yield found, spec["selector"]["matchLabels"]
                for spread in spec["template"]["spec"].get("topologySpreadConstraints", ()):
                    yield found, spread["labelSelector"]["matchLabels"]
            case "PodDisruptionBudget" | "PodMonitor":
                yield found, spec["selector"]["matchLabels"]
            case "NetworkPolicy":
                yield found, spec["podSelector"]["matchLabels"]


def matches(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


def test_selectors_have_nothing_in_them_that_an_upgrade_changes() -> None:
    changing = {"helm.sh/chart", "app.kubernetes.io/version", "team"}
    for _, selector in selectors(render("everything-on")):
        assert not changing & selector.keys()


def test_a_new_version_of_the_chart_alone_replaces_no_pod(tmp_path: Path) -> None:
    copy = shutil.copytree(CHART, tmp_path / "chart")
    chart = copy / "Chart.yaml"
    chart.write_text(chart.read_text().replace("\nversion: ", "\nversion: 9"))
    text = helm(4, "template", RELEASE, str(copy), "--kube-version=1.34.4", *settings())
    new = [document for document in yaml.safe_load_all(text) if document]
    assert list(pod_templates(new)) == list(pod_templates(render()))


@pytest.mark.parametrize("name", ["x", "a" * 53])
def test_no_name_is_too_long(name: str) -> None:
    options = settings("demo", {"operator.watchNamespaces": ["*"]})
    target = (name, str(CHART), "--kube-version=1.34.4")
    for found in yaml.safe_load_all(helm(4, "template", *target, *options)):
        if found:
            assert len(found["metadata"]["name"]) <= 63


def test_the_crds_are_those_of_the_manifests() -> None:
    files = {file.name: file.read_bytes() for file in (CHART / "files" / "crds").iterdir()}
    assert files == {file.name: file.read_bytes() for file in (MANIFESTS / "crds").iterdir()}
    written = {crd["metadata"]["name"]: crd for crd in map(yaml.safe_load, files.values())}
    rendered = of_kind("CustomResourceDefinition", render())
    assert {crd["metadata"]["name"] for crd in rendered} == written.keys()
    for crd in rendered:
        source = written[crd["metadata"]["name"]]
        assert crd["spec"] == source["spec"]
        annotations = dict(crd["metadata"]["annotations"])
        assert annotations.pop("helm.sh/resource-policy") == "keep"
        assert annotations == source["metadata"]["annotations"]


def test_the_crd_can_be_left_out() -> None:
    assert of_kind("CustomResourceDefinition", render(values={"crds.install": False})) == []


def test_rights_in_its_own_namespace_are_those_of_the_manifests() -> None:
    (written,) = roles(INSTALL / "rbac.yaml")
    objects = render()
    assert only("Role", objects)["rules"] == written["rules"]
    assert of_kind("ClusterRole", objects, "operator") == []


def test_cluster_wide_rights_are_those_of_the_manifests() -> None:
    written = roles(INSTALL / "cluster-wide" / "rbac.yaml")
    objects = render("cluster-wide")
    for role in written:
        assert only(role["kind"], objects, "operator")["rules"] == role["rules"]


def roles(path: Path) -> list[Object]:
    return [found for found in yaml.safe_load_all(path.read_text()) if "rules" in found]


def test_every_namespace_of_a_list_has_a_role_of_its_own() -> None:
    everywhere = only("ClusterRole", render("cluster-wide"), "operator")["rules"]
    watched = [rule for rule in everywhere if rule["resources"] != ["namespaces"]]
    assert len(watched) == len(everywhere) - 1
    leases = only("Role", render("cluster-wide"))["rules"]
    objects = render(values={"operator.watchNamespaces": ["web", NAMESPACE]})
    rules = {o["metadata"]["namespace"]: o["rules"] for o in of_kind("Role", objects)}
    assert rules == {"web": watched, NAMESPACE: watched + leases}


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({}, f"http://{NAME}.{{namespace}}.svc"),
        ({"router.service.port": 8000}, f"http://{NAME}.{{namespace}}.svc:8000"),
        ({"operator.routerURL": "https://{name}.example.com"}, "https://{name}.example.com"),
    ],
)
def test_keys_are_for_the_service_of_the_router_unless_a_url_is_given(
    values: dict[str, Any], url: str
) -> None:
    (container,) = only("Deployment", render(values=values), "operator")["spec"]["template"][
        "spec"
    ]["containers"]
    environment = {each["name"]: each.get("value") for each in container["env"]}
    assert environment["AIROUTER_OPERATOR_ROUTER_URL"] == url


def test_an_operator_elsewhere_has_only_its_lease_and_its_authority_at_home() -> None:
    objects = render("namespaced-list")
    rules = {o["metadata"]["namespace"]: o["rules"] for o in of_kind("Role", objects)}
    assert rules.keys() == {"web", "batch", NAMESPACE}
    at_home = {resource for rule in rules[NAMESPACE] for resource in rule["resources"]}
    assert at_home == {"secrets", "leases"}


@pytest.mark.parametrize("ci", CI)
def test_every_role_is_bound_to_the_account_that_uses_it(ci: str) -> None:
    objects = render(ci)
    accounts = {identity(found)[1:] for found in of_kind("ServiceAccount", objects)}
    for kind in ("Role", "ClusterRole"):
        bindings = of_kind(f"{kind}Binding", objects)
        bound = {(b["metadata"].get("namespace", ""), b["roleRef"]["name"]) for b in bindings}
        for_people = "rbac.authorization.k8s.io/aggregate-to-admin"
        used = [r for r in of_kind(kind, objects) if for_people not in r["metadata"]["labels"]]
        assert bound == {identity(role)[1:] for role in used}
        for binding in bindings:
            (subject,) = binding["subjects"]
            assert (subject["namespace"], subject["name"]) in accounts
            assert binding["roleRef"]["kind"] == kind


def test_the_routers_account_is_bound_to_nothing() -> None:
    objects = render("everything-on")
    bindings = of_kind("RoleBinding", objects) + of_kind("ClusterRoleBinding", objects)
    bound = {subject["name"] for binding in bindings for subject in binding["subjects"]}
    assert "llm" not in bound
    assert {"llm-operator", "llm-demo"} == bound


def test_either_part_can_be_alone() -> None:
    alone = {"router-only": "router", "operator-only": "operator"}
    for ci, part in alone.items():
        labelled = [o["metadata"]["labels"].get("app.kubernetes.io/component") for o in render(ci)]
        assert set(labelled) - {None} == {part}


def test_extra_objects_are_templates() -> None:
    maps = {o["metadata"]["name"]: o for o in of_kind("ConfigMap", render("everything-on"))}
    assert maps["airouter-map"]["data"] == {"namespace": NAMESPACE}
    assert maps["airouter-text"]["data"] == {"router": "llm"}


def test_versions_are_those_of_the_program() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == airouter.__version__
