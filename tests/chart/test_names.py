"""Names that look like numbers to YAML: a release called 2024 is as good as any other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from chart.rendering import CHART, FOREIGN, VERSIONS, HelmFailed, Object, helm, settings
from support.kubernetes.apiserver import ApiServer

NAMESPACE = "456"
NUMBERS = {
    "nameOverride": "1e3",
    "router.config": "007",
    "router.priorityClassName": "1",
    "router.serviceAccount.name": "2",
    "router.ingress.className": "3",
    "router.ingress.hosts": ["4"],
    "telemetry.otlp.headersSecret.name": "5",
    "telemetry.otlp.headersSecret.key": "6",
    "operator.serviceAccount.name": "7",
    "operator.watchNamespaces": ["456", "12"],
    "extraObjects": [],
}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_api_server_takes_names_of_digits(kubernetes: ApiServer, version: int) -> None:
    options = (*settings("everything-on", NUMBERS), f"--namespace={NAMESPACE}")
    text = helm(version, "template", "123", str(CHART), "--kube-version=1.34.4", *options)
    objects: list[Object] = [found for found in yaml.safe_load_all(text) if found]
    ours = [found for found in objects if found["kind"] != "CustomResourceDefinition"]
    for place, value in names_in(ours):
        assert isinstance(value, str), place
    for name in (NAMESPACE, "12"):
        kubernetes.kubectl("create", "namespace", name, check=False)
    plain = [found for found in objects if found["kind"] not in FOREIGN]
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": plain})
    kubernetes.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", input=given)


def test_a_name_that_no_service_may_have_is_refused_with_the_remedy() -> None:
    with pytest.raises(HelmFailed, match="fullnameOverride: set one that begins with a letter"):
        helm(4, "template", "123", str(CHART))


def names_in(part: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every field that holds a name, by its place."""
    if isinstance(part, list):
        for at, inner in enumerate(part):
            yield from names_in(inner, f"{place}[{at}]")
    if isinstance(part, dict):
        for key, inner in part.items():
            if key.lower().endswith(("name", "namespace", "instance", "host")):
                yield f"{place}.{key}", inner
            yield from names_in(inner, f"{place}.{key}")
