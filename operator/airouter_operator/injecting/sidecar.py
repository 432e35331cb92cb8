"""The router that is put into a pod: its container and its volumes. Pure.

It is what `manifests/sidecar/` has people write themselves: a native sidecar (an init container
that goes on, Kubernetes 1.29), on loopback only. It mounts the snapshot, which holds the one
credential that it needs, for the stream of that snapshot; it has no right in the cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from airouter_operator.kube.objects import ObjectKey
from airouter_operator.publication import secret_of_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter_operator.kube.objects import Object

CONTAINER = "airouter"
SNAPSHOT_VOLUME = "airouter-snapshot"
SNAPSHOT_FOLDER = "/etc/airouter"
NO_TOKEN_VOLUME = "airouter-no-token"  # noqa: S105 - a volume without one
TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105
"""Where the API server mounts the token of the pod's ServiceAccount, unless something is there."""
DRAIN_DEADLINE = 10
"""Seconds. When a native sidecar is told to end, the application has ended before."""


class SidecarTemplate(NamedTuple):
    """Fields that the sidecars of one operator have in common."""

    image: str
    pull_policy: str
    port: int
    """Its port on loopback."""
    log_level: str
    run_as_user: int | None
    """None leaves it to the pod, the image, or the cluster."""
    resources: Mapping[str, object]
    """Requests and limits, as in a pod."""


def router_container(template: SidecarTemplate) -> Object:
    """Return the container of a router that serves what is in the pod's snapshot volume."""
    return {
        "name": CONTAINER,
        "image": template.image,
        "imagePullPolicy": template.pull_policy,
        "restartPolicy": "Always",
        "args": ["serve", "--snapshot-dir", SNAPSHOT_FOLDER],
        "env": [
            {"name": "AIROUTER_HOST", "value": "127.0.0.1"},
            {"name": "AIROUTER_PORT", "value": str(template.port)},
            {"name": "AIROUTER_LOG_LEVEL", "value": template.log_level},
            {"name": "AIROUTER_DRAIN_GRACE", "value": "0"},
            {"name": "AIROUTER_DRAIN_DEADLINE", "value": str(DRAIN_DEADLINE)},
            {
                "name": "AIROUTER_POD_NAME",
                "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}},
            },
        ],
        # On loopback kubelet cannot reach it. The application starts after the first yes.
        "startupProbe": probe(every=1, tries=120),
        "readinessProbe": probe(every=5, tries=3),
        "livenessProbe": probe("--path", "/health", every=10, tries=3),
        "resources": template.resources,
        "securityContext": restricted_context(template.run_as_user),
        "volumeMounts": [
            {"name": SNAPSHOT_VOLUME, "mountPath": SNAPSHOT_FOLDER, "readOnly": True},
            {"name": NO_TOKEN_VOLUME, "mountPath": TOKEN_FOLDER, "readOnly": True},
        ],
    }


def restricted_context(user: int | None) -> Object:
    """Return a security context of the restricted standard, for a user or for no certain one."""
    return {
        "runAsNonRoot": True,
        **({} if user is None else {"runAsUser": user}),
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def probe(*options: str, every: int, tries: int) -> Object:
    """Return a probe that runs inside the container, every so many seconds."""
    return {
        "exec": {"command": ["airouter", "probe", *options]},
        "periodSeconds": every,
        "timeoutSeconds": 5,
        "failureThreshold": tries,
    }


def router_volumes(config: str) -> list[Object]:
    """Return the volumes of a router that serves a RouterConfig of the pod's namespace."""
    snapshot = secret_of_config(ObjectKey("", config)).name
    return [
        {"name": SNAPSHOT_VOLUME, "secret": {"secretName": snapshot}},
        {"name": NO_TOKEN_VOLUME, "emptyDir": {"sizeLimit": "1Mi"}},
    ]


def base_urls(port: int) -> dict[str, str]:
    """Return the variables by which the SDKs of OpenAI and Anthropic find the router."""
    root = f"http://127.0.0.1:{port}"
    return {"OPENAI_BASE_URL": f"{root}/v1", "ANTHROPIC_BASE_URL": root}
