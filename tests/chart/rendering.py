"""What Helm makes of the chart, as objects."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from support.kubernetes.binaries import binaries

CHART = Path(__file__).parents[2] / "charts" / "auto-ai-router"
CI = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").iterdir())
RELEASE, NAMESPACE = "airouter", "ai"
NAME = f"{RELEASE}-auto-ai-router"
VERSIONS = {3: "helm3", 4: "helm"}
KUBERNETES = "1.34.4"
FOREIGN = {
    "Certificate",
    "HTTPRoute",
    "PodMonitor",
    "PrometheusRule",
    "ScaledObject",
    "ServiceMonitor",
}
"""Kinds that belong to others, so that a plain Kubernetes does not know them."""
SECONDS = 120

Object = dict[str, Any]


class HelmFailed(RuntimeError):
    """What Helm wrote to standard error."""


def helm(version: int, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """What Helm writes to standard output."""
    done = subprocess.run(
        [binaries().path(VERSIONS[version]), *arguments],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise HelmFailed(done.stderr)
    return done.stdout


def settings(ci: str = "default", values: Mapping[str, Any] | None = None) -> list[str]:
    """Options of Helm: a file of `ci/`, and values by their paths."""
    file = CHART / "ci" / f"{ci}-values.yaml"
    given = [f"--set-json={path}={json.dumps(value)}" for path, value in (values or {}).items()]
    return [f"--values={file}", *given]


@cache
def _rendered(version: int, options: Sequence[str]) -> str:
    target = (RELEASE, str(CHART), f"--namespace={NAMESPACE}", f"--kube-version={KUBERNETES}")
    return helm(version, "template", *target, *options)


def render(
    ci: str = "default", values: Mapping[str, Any] | None = None, version: int = 4
) -> list[Object]:
    """Every object, in the order in which Helm applies them."""
    text = _rendered(version, tuple(settings(ci, values)))
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


def of_kind(kind: str, objects: Sequence[Object], part: str = "") -> list[Object]:
    """Those of a kind, and of a part of the chart."""
    label = "app.kubernetes.io/component"
    return [
        found
        for found in objects
        if found["kind"] == kind and part in ("", found["metadata"].get("labels", {}).get(label))
    ]


def only(kind: str, objects: Sequence[Object], part: str = "") -> Object:
    """The one of a kind."""
    (found,) = of_kind(kind, objects, part)
    return found


def pod_templates(objects: Sequence[Object]) -> Iterator[Object]:
    """Every pod that the objects would make."""
    for found in objects:
        if "template" in found.get("spec", {}):
            yield found["spec"]["template"]


def router(objects: Sequence[Object]) -> Object:
    """The specification of its pods."""
    template: Object = only("Deployment", objects, "router")["spec"]["template"]
    return template


def operator(objects: Sequence[Object]) -> Object:
    """The specification of its pod."""
    template: Object = only("Deployment", objects, "operator")["spec"]["template"]
    return template


def container(template: Object) -> Object:
    """The chart's own one, before those that a person adds."""
    found, *_ = template["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def environment(template: Object) -> dict[str, Any]:
    """Values, or where they come from."""
    return {e["name"]: e.get("value", e.get("valueFrom")) for e in container(template)["env"]}
