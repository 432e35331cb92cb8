"""Places of upstreams: a URL, or pods in the cluster that are ready, of a Service or a pool.

The operator tells the Services that RouterConfigs name. Without an operator, a Service is called by
its name in the DNS of the cluster, and the cluster balances; an InferencePool has no name there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from airouter.config.findings import choice

if TYPE_CHECKING:
    from airouter.config.findings import Path, Reason, Report
    from airouter.config.resource import Credential, InferencePool, Service
    from airouter.config.trust import Trust


ENDPOINT = re.compile(
    r"(/chat/completions|/completions|/responses|/messages|/embeddings|/images/generations)/*$"
)
"""The end of a URL that is of one endpoint, and not the root of an API."""
NONE_READY = "no pod of {} is ready"
START_PODS = "start its pods, or see why they are not ready"
NO_PODS = "an ExternalName has none, so use baseURL in place of it"


class ServicePort(NamedTuple):
    """A port of a Service."""

    scheme: str
    """What its `appProtocol` says: http or https."""
    addresses: tuple[str, ...]
    """Pods that are ready, such as `10.0.0.7:8000`, in order."""


Services = Mapping[tuple[str, str], Mapping[int, ServicePort] | None]
"""Namespace and name to the ports of a Service by number; None for one that does not exist. One
whose namespace the operator does not watch is not there."""


InferencePools = Mapping[tuple[str, str], tuple[str, ...] | None]
"""Namespace and name to the addresses of an InferencePool's pods that are ready, in order; None and
absent as for Services."""


class UpstreamPlace(NamedTuple):
    """A place as a snapshot has it; all None for the provider's own."""

    base_url: str | None = None
    addresses: tuple[str, ...] | None = None


class Places:
    """The places that credentials of one RouterConfig can name."""

    def __init__(
        self,
        namespace: str,
        services: Services | None,
        pools: InferencePools | None,
        trust: Trust,
        report: Report,
    ) -> None:
        """Look in `namespace` where none is named; `services` and `pools` may be unknown."""
        self._namespace = namespace
        self._services = services
        self._pools = pools
        self._trust = trust
        self._report = report

    def of(self, declared: Credential, path: Path) -> UpstreamPlace | None:
        """Return where a credential is used; None, and a finding, where it cannot be."""
        service = declared.service
        if service is not None:
            return self._of_service(service, (*path, "service"))
        pool = declared.inference_pool
        if pool is not None:
            return self._of_pool(pool, (*path, "inferencePool"))
        url = declared.base_url
        if url is None or self._may_be_at(url, (*path, "baseURL")):
            self._note_endpoint(url or "", (*path, "baseURL"))
            return UpstreamPlace(url)
        return None

    def _note_endpoint(self, url: str, path: Path) -> None:
        """Warn of a URL that has the path of an endpoint, which the router adds itself."""
        found = ENDPOINT.search(url)
        if found:
            what = "ends in an endpoint, and the router adds one itself"
            self._report.warning(path, what, f"remove {found[1]} from its end")

    def _of_service(self, service: Service, path: Path) -> UpstreamPlace | None:
        namespace = service.namespace or self._namespace
        port = None
        if self._services is not None:
            port = self._port_of(service, namespace, path)
            if port is None:
                return None
        scheme = service.scheme or (port.scheme if port else "http")
        url = f"{scheme}://{service.name}.{namespace}.svc:{service.port}{service.path}"
        if not self._may_be_at(url, path):
            return None
        return UpstreamPlace(url, port.addresses if port else None)

    def _of_pool(self, pool: InferencePool, path: Path) -> UpstreamPlace | None:
        namespace = pool.namespace or self._namespace
        # Reserved by RFC 6761, so that nobody is asked by it: it is the Host header, and for globs.
        url = f"http://{pool.name}.{namespace}.inferencepool.invalid/v1"
        if self._pools is None:
            what = (
                "names pods that an operator knows, and nobody else: no request is answered there"
            )
            self._report.warning(path, what)
            return UpstreamPlace(url)
        addresses = self._addresses_of(pool, namespace, self._pools, path)
        if addresses is None or not self._may_be_at(url, path):
            return None
        return UpstreamPlace(url, addresses)

    def _addresses_of(
        self, pool: InferencePool, namespace: str, pools: InferencePools, path: Path
    ) -> tuple[str, ...] | None:
        """Return the pods of a pool that can be asked; None, and a finding, without any."""
        name = f"InferencePool {pool.name!r}"
        if (namespace, pool.name) not in pools:
            self._report_unwatched(namespace, path)
        elif (addresses := pools[namespace, pool.name]) is None:
            what = f"there is no {name} in namespace {namespace!r}"
            self._report.error(path, what, "create it", reason="InferencePoolNotFound")
        elif not addresses:
            what, fix = NONE_READY.format(name), START_PODS
            self._report.error(path, what, fix, reason="NoReadyEndpoints")
        else:
            return addresses
        return None

    def _report_unwatched(self, namespace: str, path: Path) -> None:
        what = f"is in namespace {namespace!r}, which the operator does not watch"
        fix = "use another namespace, or have operator.watchNamespaces extended"
        self._report.error(path, what, fix, reason="NamespaceNotWatched")

    def _port_of(self, service: Service, namespace: str, path: Path) -> ServicePort | None:
        """Return the port of a Service that can be asked; None, and a finding, without one."""
        services = self._services or {}
        reason: Reason = "ServiceNotFound"
        name = f"Service {service.name!r}"
        if (namespace, service.name) not in services:
            self._report_unwatched(namespace, path)
            return None
        if (ports := services[namespace, service.name]) is None:
            what, fix = f"there is no {name} in namespace {namespace!r}", "create it"
        elif (port := ports.get(service.port)) is None:
            what, fix = f"{name} has no such port", choice(map(str, ports))
            path = (*path, "port")
        elif not port.addresses:
            what, fix = NONE_READY.format(name), f"{START_PODS}; {NO_PODS}"
            reason = "NoReadyEndpoints"
        else:
            return port
        self._report.error(path, what, fix, reason=reason)
        return None

    def _may_be_at(self, url: str, path: Path) -> bool:
        """Return whether a key may be sent to a URL; report one to which none may."""
        if self._trust.allows(url):
            return True
        what = "is at a host that the operator does not allow"
        fix = choice(self._trust.allowed_hosts) + "; or have operator.allowedHosts extended"
        self._report.error(path, what, fix, reason="HostNotAllowed")
        return False
