"""Whose router a pod gets: the one that it names, or else the one that its namespace names.

A pod is never kept from being created. Where it cannot have the router that it asks for, whoever
creates it is warned.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from airouter_operator.injecting.patch import Addition, injection, taken_place
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.kube.paths import namespaces_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter_operator.injecting.admitted_pod import AdmittedPod
    from airouter_operator.injecting.review import AdmissionRequest
    from airouter_operator.injecting.sidecar import SidecarTemplate
    from airouter_operator.kube.api import KubeApi

INJECT = "airouter.dev/inject"
"""Annotation or label of a pod, or label of a namespace: the name of a RouterConfig."""
NOT_HERE = "false"
"""The value by which a pod has no router, though its namespace names one."""
CONFIG_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,242}[a-z0-9])?")
"""Names of RouterConfigs, short enough for the name of the snapshot."""


class Verdict(NamedTuple):
    """Additions to a pod, and what its author is told."""

    additions: Sequence[Addition] = ()
    warnings: Sequence[str] = ()


class Injector:
    """Decides for each pod of the namespaces that the operator watches."""

    def __init__(
        self, kube: KubeApi, namespaces: Sequence[str | None], template: SidecarTemplate
    ) -> None:
        """Put routers into the pods of these namespaces; None alone is the whole cluster."""
        self._kube = kube
        self._namespaces = frozenset(namespaces)
        self._template = template

    async def judge(self, request: AdmissionRequest) -> Verdict:
        """Return what is added to a pod. Raises `KubeError` where its namespace cannot be read."""
        pod = request.object
        config = config_named(pod) or await self._config_of_namespace(request.namespace)
        if not config or config == NOT_HERE:
            return Verdict()
        reason = self._why_not(request, config)
        if reason:
            return Verdict(warnings=[f"no router is put into this pod: {reason}"])
        return Verdict(injection(pod, config, self._template))

    def _why_not(self, request: AdmissionRequest, config: str) -> str:
        """Return why a pod cannot have a router; empty if it can."""
        spec = request.object.spec
        if self._namespaces.isdisjoint((None, request.namespace)):
            return f"the operator does not watch the namespace {request.namespace}"
        if not CONFIG_NAME.fullmatch(config):
            return f"{INJECT} is not the name of a RouterConfig"
        if spec.host_network:
            return "in the network of its node every pod of the node could call it"
        if spec.share_process_namespace:
            return "its containers share their processes, so that all could read the router's keys"
        if spec.os.name != "linux":
            return "it runs on Linux"
        return taken_place(request.object, self._template.port)

    async def _config_of_namespace(self, name: str) -> str:
        """Return the RouterConfig that a namespace names, as its label says now."""
        namespace = await self._kube.find(ObjectKey("", name), namespaces_in(None))
        labels = (namespace or {}).get("metadata", {}).get("labels") or {}
        return str(labels.get(INJECT, ""))


def config_named(pod: AdmittedPod) -> str:
    """Return the RouterConfig that a pod names itself; a long name fits an annotation alone."""
    metadata = pod.metadata
    return metadata.annotations.get(INJECT) or metadata.labels.get(INJECT, "")
