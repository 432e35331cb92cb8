"""Places of upstreams: a URL, or a Service in the cluster with the pods of it that are ready.

The operator tells the Services that RouterConfigs name. Without an operator, a Service is called by
its name in the DNS of the cluster, and the cluster balances.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from airouter.config.findings import choice

if TYPE_CHECKING:
    from airouter.config.findings import Path, Reason, Report
    from airouter.config.resource import Credential, Service
    from airouter.config.trust import Trust


ENDPOINT = re.compile(
    r"(/chat/completions|/completions|/responses|/messages|/embeddings|/images/generations)/*$"
)
"""The end of a URL that is of one endpoint, and not the root of an API."""


class ServicePort(NamedTuple):
    """A port of a Service."""

    scheme: str
    """What its `appProtocol` says: http or https."""
    addresses: tuple[str, ...]
    """Pods that are ready, such as `10.0.0.7:8000`, in order."""


Services = Mapping[tuple[str, str], Mapping[int, ServicePort] | None]
"""Namespace and name to the ports of a Service by number; None for one that does not exist. One
whose namespace the operator does not watch is not there."""


class UpstreamPlace(NamedTuple):
    """A place as a snapshot has it; all None for the provider's own."""

    base_url: str | None = None
    addresses: tuple[str, ...] | None = None


class Places:
    """The places that credentials of one RouterConfig can name."""

    def __init__(
        self, namespace: str, services: Services | None, trust: Trust, report: Report
    ) -> None:
        """Look for Services in `namespace` where none is named; `services` may be unknown."""
        self._namespace = namespace
        self._services = services
        self._trust = trust
        self._report = report

    def of(self, declared: Credential, path: Path) -> UpstreamPlace | None:
        """Return where a credential is used; None, and a finding, where it cannot be."""
        service = declared.service
        if service is not None:
            return self._of_service(service, (*path, "service"))
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

    def _port_of(self, service: Service, namespace: str, path: Path) -> ServicePort | None:
        """Return the port of a Service that can be asked; None, and a finding, without one."""
        services = self._services or {}
        reason: Reason = "ServiceNotFound"
        name = f"Service {service.name!r}"
        if (namespace, service.name) not in services:
            what = f"is in namespace {namespace!r}, which the operator does not watch"
            fix = "use another namespace, or have operator.watchNamespaces extended"
            reason = "NamespaceNotWatched"
        elif (ports := services[namespace, service.name]) is None:
            what, fix = f"there is no {name} in namespace {namespace!r}", "create it"
        elif (port := ports.get(service.port)) is None:
            what, fix = f"{name} has no such port", choice(map(str, ports))
            path = (*path, "port")
        elif not port.addresses:
            what, fix = (
                f"no pod of {name} is ready",
                "start its pods, or see why they are not ready",
            )
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
