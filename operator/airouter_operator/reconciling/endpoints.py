"""The endpoints of Services and InferencePools: which pods are ready, at which address. Pure.

By the API of EndpointSlices (`discovery.k8s.io/v1`), as kube-proxy reads it: a port of the Service
and that of a slice have the same name, and what is ready gets requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.config.compile.places import ServicePort

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airouter_operator.kube.objects import Object

TLS_PROTOCOLS = frozenset({"https", "kubernetes.io/wss"})


def is_ready(endpoint: Object) -> bool:
    """Return whether an endpoint gets requests."""
    # Absent counts as ready: see the API of EndpointConditions.
    return (endpoint.get("conditions") or {}).get("ready") is not False


def ports_of(service: Object, slices: Sequence[Object]) -> dict[int, ServicePort]:
    """Return the TCP ports of a Service by their number."""
    spec = service.get("spec") or {}
    usable = of_one_family(slices, spec.get("ipFamilies") or ())
    return {
        port["port"]: ServicePort(
            scheme_of(port), tuple(sorted(set(ready_addresses(usable, port.get("name") or ""))))
        )
        for port in spec.get("ports") or ()
        if port.get("protocol", "TCP") == "TCP"
    }


def scheme_of(port: Object) -> str:
    """Return how a port is spoken to."""
    return "https" if str(port.get("appProtocol")).lower() in TLS_PROTOCOLS else "http"


def of_one_family(slices: Sequence[Object], families: Sequence[str]) -> list[Object]:
    """Return the slices of the Service's first family: in two families each pod is there twice."""
    found = {each.get("addressType") for each in slices}
    family = next((each for each in (*families, *sorted(map(str, found))) if each in found), None)
    return [each for each in slices if each.get("addressType") == family]


def ready_addresses(slices: Sequence[Object], port_name: str) -> Iterator[str]:
    """Yield the address, with its port, of each pod that is ready."""
    for each in slices:
        for port in each.get("ports") or ():
            if (port.get("name") or "") != port_name or not port.get("port"):
                continue
            for endpoint in filter(is_ready, each.get("endpoints") or ()):
                yield address(endpoint["addresses"][0], port["port"])  # all are the same pod


def pool_addresses(pool: Object, pods: Sequence[Object]) -> tuple[str, ...]:
    """Return the addresses of an InferencePool's pods that are ready, in order.

    By inference.networking.k8s.io/v1, each pod is an endpoint at each of the `targetPorts`.
    """
    ports = [port["number"] for port in pool["spec"].get("targetPorts") or ()]
    hosts = {pod["status"]["podIP"] for pod in pods if is_ready_pod(pod)}
    return tuple(sorted(address(host, port) for host in hosts for port in ports))


def is_ready_pod(pod: Object) -> bool:
    """Return whether a pod gets requests, as EndpointSlices would say of it."""
    status = pod.get("status") or {}
    if "deletionTimestamp" in pod["metadata"] or not status.get("podIP"):
        return False
    conditions = status.get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def address(host: str, port: int) -> str:
    """Return a host and a port as a URL has them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
