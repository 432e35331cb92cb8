"""The patch by which a pod gets a router, a JSON Patch (RFC 6902). Pure.

The patch of a pod that has it all is empty, so that the API server may ask again after another
webhook has put in containers of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from airouter_operator.injecting.admitted_pod import ContainerPort
from airouter_operator.injecting.sidecar import (
    CONTAINER,
    NO_TOKEN_VOLUME,
    SNAPSHOT_VOLUME,
    SidecarTemplate,
    base_urls,
    router_container,
    router_volumes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airouter_operator.injecting.admitted_pod import AdmittedPod, Named, PodContainer
    from airouter_operator.kube.objects import Object

INJECTED = "airouter.dev/injected"
"""Label of pods with a router in them, by which NetworkPolicies may select them."""
INJECTED_POINTER = INJECTED.replace("/", "~1")


class Addition(NamedTuple):
    """An `add` of a JSON Patch: a value, and the pointer (RFC 6901) to where it goes."""

    path: str
    value: object

    @property
    def operation(self) -> Object:
        """The operation, as a patch has it."""
        return {"op": "add", "path": self.path, "value": self.value}


def injection(pod: AdmittedPod, config: str, template: SidecarTemplate) -> list[Addition]:
    """Return what a pod needs to have a router for a RouterConfig, and to call it."""
    additions = list(url_additions(pod.spec.containers, base_urls(template.port)))
    if CONTAINER not in names(pod.spec.init_containers):
        additions += router_additions(pod, config, template)
    return additions


def taken_place(pod: AdmittedPod, port: int) -> str:
    """Return what of a pod stands in the place of a router that listens on a port, or nothing.

    The API server refuses a pod with a name twice, and of two that listen on a port one fails.
    """
    spec = pod.spec
    containers = (*spec.init_containers, *spec.containers)
    if INJECTED in pod.metadata.labels and CONTAINER in names(spec.init_containers):
        return ""
    if CONTAINER in names(containers):
        return f"it has a container {CONTAINER!r} of its own"
    for volume in (SNAPSHOT_VOLUME, NO_TOKEN_VOLUME):
        if volume in names(spec.volumes):
            return f"it has a volume {volume!r} of its own"
    for container in containers:
        if ContainerPort(port) in container.ports:
            fix = "have another operator.injector.routerPort"
            return f"its container {container.name!r} has the port {port} (fix: {fix})"
    return ""


def names(items: Sequence[Named | PodContainer]) -> set[str]:
    """Return the names of containers or of volumes."""
    return {item.name for item in items}


def router_additions(
    pod: AdmittedPod, config: str, template: SidecarTemplate
) -> Iterator[Addition]:
    """Yield the router with its volumes, before all other init containers, which may call it."""
    spec = pod.spec
    yield from prepended("/spec/initContainers", [router_container(template)], spec.init_containers)
    yield from prepended("/spec/volumes", router_volumes(config), spec.volumes)
    if pod.metadata.labels:
        yield Addition(f"/metadata/labels/{INJECTED_POINTER}", "true")
    else:
        yield Addition("/metadata/labels", {INJECTED: "true"})


def url_additions(
    containers: Sequence[PodContainer], variables: dict[str, str]
) -> Iterator[Addition]:
    """Yield the variables that containers do not set themselves."""
    for number, container in enumerate(containers):
        known = {each.name for each in container.env}
        missing: list[Object] = [
            {"name": name, "value": value} for name, value in variables.items() if name not in known
        ]
        yield from prepended(f"/spec/containers/{number}/env", missing, container.env)


def prepended(path: str, items: list[Object], there: Sequence[object]) -> Iterator[Addition]:
    """Yield what puts items before those of a list; where there are none there may be no list."""
    if items and not there:
        yield Addition(path, items)
        return
    for item in reversed(items):
        yield Addition(f"{path}/0", item)
