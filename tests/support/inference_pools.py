"""InferencePools of the Gateway API Inference Extension, and the pods that they select."""

from __future__ import annotations

import asyncio
import json

from support.control_plane import ControlPlane
from support.resources import Object

GROUP = "inference.networking.k8s.io"
LABELS = {"app": "qwen"}
INTEGER: Object = {"type": "integer"}
SPEC: Object = {
    "type": "object",
    "required": ["selector", "targetPorts"],
    "properties": {
        "selector": {
            "type": "object",
            "properties": {
                "matchLabels": {"type": "object", "additionalProperties": {"type": "string"}}
            },
        },
        "targetPorts": {
            "type": "array",
            "items": {"type": "object", "properties": {"number": INTEGER}},
        },
    },
}
"""The fields of v1 that a router goes by."""


def pool_crd() -> Object:
    """The kind, with the fields that matter here."""
    schema = {"type": "object", "properties": {"spec": SPEC}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    annotation = {"api-approved.kubernetes.io": "unapproved, for tests"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"inferencepools.{GROUP}", "annotations": annotation},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": "InferencePool", "plural": "inferencepools"},
            "versions": [version],
        },
    }


def pool(name: str, *ports: int) -> Object:
    """An InferencePool."""
    spec = {
        "selector": {"matchLabels": LABELS},
        "targetPorts": [{"number": port} for port in ports],
    }
    metadata = {"name": name}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "InferencePool",
        "metadata": metadata,
        "spec": spec,
    }


async def install_pool_crd(plane: ControlPlane) -> None:
    """Apply it, and wait until it is served."""
    await plane.apply(pool_crd())
    served = f"/apis/{GROUP}/v1"
    async with asyncio.timeout(60):
        while "inferencepools" not in await asyncio.to_thread(
            plane.api.kubectl, "get", "--raw", served, check=False
        ):
            await asyncio.sleep(0.05)


async def put_pod(plane: ControlPlane, name: str, host: str, *, ready: bool) -> None:
    """Have a pod of the pool at an address, as kubelet would report it."""
    container = {"name": "vllm", "image": "example.com/vllm:1"}
    metadata = {"name": name, "labels": LABELS}
    await plane.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {"containers": [container]},
        }
    )
    condition = {"type": "Ready", "status": str(ready)}
    status = {"podIP": host, "podIPs": [{"ip": host}], "conditions": [condition]}
    patch = json.dumps({"status": status})
    how = ("--subresource=status", "--type=merge", "-p", patch)
    await plane.kubectl("patch", "pod", name, *how)
