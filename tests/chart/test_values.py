"""What may be set, and what is said about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from chart import readme
from chart.rendering import CHART, VERSIONS, HelmFailed, Object, helm, render

SCHEMA: Object = json.loads((CHART / "values.schema.json").read_text())
VALUES = (CHART / "values.yaml").read_text()
HELMS_OWN = {"global"}
SET = re.compile(r"--set(?:-json|-string)? '?([\w.]+)=")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "path",
    ["replicas", "router.replica", "router.image.tagg", "operator.rbac.creat", "demo.on", "crds.x"],
)
def test_an_unknown_value_is_refused_by_its_name(path: str, version: int) -> None:
    with pytest.raises(HelmFailed) as refusal:
        render(values={path: 1}, version=version)
    assert f"'{path.rpartition('.')[2]}' not allowed" in str(refusal.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("router.replicas", "3"),
        ("router.config", "Default"),
        ("router.service.type", "ExternalName"),
        ("router.image.tag", 1.0),
        ("router.image.digest", "sha256:12"),
        ("router.topologySpread", "Never"),
        ("router.strategy.type", True),
        ("router.podDisruptionBudget.maxUnavailable", "half"),
        ("router.extraEnv", [{"Name": "X"}]),
        ("router.drain.graceSeconds", -1),
        ("router.service.ipFamilies", ["IPv5"]),
        ("router.service.externalTrafficPolicy", "local"),
        ("operator.service.ipFamilyPolicy", "Dual"),
        ("fullnameOverride", "2024"),
        ("operator.watchNamespaces", "ai"),
        ("operator.watchNamespaces", ["All"]),
        ("telemetry.otlp.protocol", "http/json"),
        ("telemetry.otlp.endpoint", "collector:4317"),
    ],
)
def test_a_wrong_value_is_refused_by_its_path(path: str, value: Any) -> None:
    with pytest.raises(HelmFailed) as refusal:
        render(values={path: value})
    assert "/" + path.replace(".", "/") in str(refusal.value)


@pytest.mark.parametrize(
    "path", ["router.image", "router.enabled", "router.strategy", "operator.secrets", "metrics"]
)
def test_a_value_that_is_taken_away_is_refused_by_its_name(path: str) -> None:
    with pytest.raises(HelmFailed) as refusal:
        render(values={path: None})
    assert f"missing property '{path.rpartition('.')[2]}'" in str(refusal.value)


def test_no_block_and_no_switch_may_be_taken_away() -> None:
    """A template would fail at a line of its own, or quietly do without."""
    for name, schema in objects(SCHEMA, ""):
        needed = {
            member for member, value in schema.get("properties", {}).items() if is_needed(value)
        }
        assert needed - {"resources"} <= set(schema.get("required", ())), name


def is_needed(value: Object) -> bool:
    """Whether a value is a switch, or a block of others."""
    if "$ref" in value:
        value = SCHEMA["definitions"][value["$ref"].rpartition("/")[2]]
    closed = value.get("type") == "object" and value.get("additionalProperties") is False
    return closed or value.get("type") == "boolean"


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (
            {
                "router.autoscaling.enabled": True,
                "router.keda": {"enabled": True, "serverAddress": "http://p"},
            },
            "both would scale",
        ),
        ({"router.keda.enabled": True}, "router.keda.serverAddress: KEDA needs"),
        (
            {"router.autoscaling": {"enabled": True, "targetCPU": None}},
            "router.autoscaling: set targetCPU or targetInFlight",
        ),
        ({"router.httpRoute.enabled": True}, "router.httpRoute.parentRefs: name the Gateway"),
        ({"router.service.loadBalancerClass": "nlb"}, "is for router.service.type LoadBalancer"),
        ({"router.service.externalTrafficPolicy": "Local"}, "LoadBalancer or NodePort"),
        (
            {"metrics": {"podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}}},
            "metrics.podMonitor scrapes the same pods",
        ),
        ({"operator.watchNamespaces": ["*", "ai"]}, 'either ["*"] or a list'),
    ],
)
def test_values_that_do_not_go_together_are_refused(values: Object, what: str) -> None:
    with pytest.raises(HelmFailed) as refusal:
        render(values=values)
    assert what in str(refusal.value)


@pytest.mark.parametrize(
    ("kubernetes", "what"),
    [("1.28.9", "requires kubeVersion"), ("1.29.0", "preStopSeconds: needs Kubernetes 1.30")],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_kubernetes_is_refused(version: int, kubernetes: str, what: str) -> None:
    target = ("x", str(CHART), f"--kube-version={kubernetes}")
    with pytest.raises(HelmFailed, match=what):
        helm(version, "template", *target, "--set=router.drain.preStopSeconds=1")
    if kubernetes != "1.28.9":
        assert helm(version, "template", *target)


def test_every_object_of_the_schema_is_closed_or_open_on_purpose() -> None:
    on_purpose = {"global", "kubernetes"}
    for name, schema in objects(SCHEMA, ""):
        open_ = schema.get("additionalProperties", True) is True
        assert open_ is (name in on_purpose), name


def objects(schema: Object, name: str) -> Iterator[tuple[str, Object]]:
    if schema.get("type") == "object":
        yield name, schema
    for group in ("properties", "definitions"):
        for member, found in schema.get(group, {}).items():
            yield from objects(found, member)
    if "items" in schema:
        yield from objects(schema["items"], f"{name}[]")


def test_the_schema_has_the_values_that_there_are() -> None:
    defaults = yaml.safe_load(VALUES)
    missing = [path for path in described(SCHEMA) if not exists(defaults, path.split("."))]
    assert set(missing) == HELMS_OWN
    known = set(described(SCHEMA))
    assert [value.path for value in readme.values(VALUES) if value.path not in known] == []


def described(schema: Object, path: str = "") -> Iterator[str]:
    """The path of every value that the schema describes."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = SCHEMA["definitions"][name]
        if name == "resources":
            schema = {}  # its members are Kubernetes'
    properties = schema.get("properties")
    if not properties:
        yield path
    for name, member in (properties or {}).items():
        yield from described(member, f"{path}.{name}".lstrip("."))


def test_every_value_that_the_documentation_sets_exists() -> None:
    defaults = yaml.safe_load(VALUES)
    root = CHART.parents[1]
    pages = [root / "README.md", CHART / "README.md", *sorted((root / "docs").glob("*.md"))]
    set_ = [(page.name, path) for page in pages for path in SET.findall(page.read_text())]
    assert len(set_) > 4
    assert [found for found in set_ if not exists(defaults, found[1].split("."))] == []


def exists(tree: Any, path: list[str]) -> bool:
    for key in path:
        if not isinstance(tree, dict) or key not in tree:
            return False
        tree = tree[key]
    return True


def test_every_value_is_explained() -> None:
    assert [value.path for value in readme.values(VALUES) if not value.comment] == []


def test_the_readme_has_the_values_as_they_are() -> None:
    text = (CHART / "README.md").read_text()
    assert readme.with_table(text, VALUES) == text, "PYTHONPATH=tests python -m chart.readme"


def test_the_schema_allows_what_a_parent_chart_adds() -> None:
    assert render(values={"global": {"anything": 1}})
