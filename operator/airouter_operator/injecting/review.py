"""The API server's question to a webhook, and the answer: `AdmissionReview` (v1).

By kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers. Of a pod no
more is read than what an injection depends on.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter_operator.injecting.patch import Addition
    from airouter_operator.kube.objects import Object


class Named(msgspec.Struct, frozen=True):
    """A variable or a volume."""

    name: str = ""


class ContainerPort(msgspec.Struct, frozen=True, rename="camel"):
    """A port that a container says it listens on."""

    container_port: int = 0
    protocol: str = "TCP"


class PodContainer(msgspec.Struct, frozen=True):
    """A container of a pod."""

    name: str = ""
    env: tuple[Named, ...] = ()
    ports: tuple[ContainerPort, ...] = ()


class OperatingSystem(msgspec.Struct, frozen=True):
    """The operating system that a pod is for."""

    name: str = "linux"


class PodSpec(msgspec.Struct, frozen=True, rename="camel"):
    """The specification of a pod."""

    containers: tuple[PodContainer, ...] = ()
    init_containers: tuple[PodContainer, ...] = ()
    volumes: tuple[Named, ...] = ()
    host_network: bool = False
    share_process_namespace: bool = False
    os: OperatingSystem = OperatingSystem()


class PodMetadata(msgspec.Struct, frozen=True):
    """The metadata of a pod."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class AdmittedPod(msgspec.Struct, frozen=True):
    """A pod that is about to be created."""

    metadata: PodMetadata = PodMetadata()
    spec: PodSpec = PodSpec()


class AdmissionRequest(msgspec.Struct, frozen=True):
    """A request to create a pod."""

    uid: str
    namespace: str
    object: AdmittedPod


class AdmissionReview(msgspec.Struct, frozen=True):
    """The document that the API server posts."""

    request: AdmissionRequest


def allow(
    request: AdmissionRequest, additions: Sequence[Addition], warnings: Sequence[str]
) -> Object:
    """Return the answer: the pod may be created, with what is added to it."""
    response: Object = {"uid": request.uid, "allowed": True}
    if warnings:
        response["warnings"] = list(warnings)
    if additions:
        patch = msgspec.json.encode([addition.operation for addition in additions])
        response |= {"patchType": "JSONPatch", "patch": base64.b64encode(patch).decode()}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
