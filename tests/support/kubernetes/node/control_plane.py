"""etcd, the API server, the controllers and the scheduler of a cluster that has a node."""

from __future__ import annotations

from pathlib import Path

import httpx

from support.kubernetes import options
from support.kubernetes.binaries import Binaries
from support.kubernetes.credentials import ADMINISTRATORS, Credentials, certificate_user
from support.kubernetes.node.daemons import Daemon
from support.kubernetes.node.layout import (
    API_PORT,
    API_SERVICE,
    NODE,
    NODE_ADDRESS,
    VOLUME_PLUGINS,
    api_url,
)

NAMES = (
    *("127.0.0.1", "localhost", API_SERVICE, NODE_ADDRESS, NODE),
    *("kubernetes", "kubernetes.default", "kubernetes.default.svc"),
    "kubernetes.default.svc.cluster.local",
)
ETCD = "http://127.0.0.1:2379"
STARTING = 180.0


class ControlPlane:
    """Its daemons, in the order in which they start, and the credentials of all that call it."""

    def __init__(self, folder: Path, programs: Binaries) -> None:
        self._folder = folder
        self._programs = programs
        self._keys = Credentials(folder / "credentials", NAMES)
        self.admin_kubeconfig = self.kubeconfig("admin", "admin", ADMINISTRATORS)
        admin = self._keys.certificate("admin", "admin", ADMINISTRATORS)
        self._context = self._keys.client_context(admin)

    @property
    def ca_file(self) -> Path:
        return self._keys.ca_file

    @property
    def serving(self) -> Path:
        """Also for kubelet, which has the same address."""
        return self._keys.serving

    def kubeconfig(self, name: str, user: str, group: str | None = None) -> Path:
        """For the administrator, or for one of Kubernetes' own programs."""
        certificate = certificate_user(self._keys.certificate(name, user, group))
        return self._keys.kubeconfig(name, api_url(), certificate, "default")

    def start(self) -> None:
        """Return when the API server is ready."""
        self._start("etcd", options.etcd(self._folder / "etcd", ETCD))
        server = self._start("kube-apiserver", self._server_options())
        server.until(self._is_ready, STARTING)
        controllers = self.kubeconfig("controllers", "system:kube-controller-manager")
        told = options.controller_manager(controllers, 10257, self._keys)
        plugins = f"--flex-volume-plugin-dir={self._folder / VOLUME_PLUGINS}"
        self._start("kube-controller-manager", [*told, plugins])
        scheduler = self.kubeconfig("scheduler", "system:kube-scheduler")
        told = [f"--kubeconfig={scheduler}", "--bind-address=127.0.0.1", "--leader-elect=false"]
        self._start("kube-scheduler", told)

    def _start(self, name: str, told: list[str]) -> Daemon:
        daemon = Daemon(name, self._folder)
        daemon.start(self._programs.path(name), told)
        return daemon

    def _server_options(self) -> list[str]:
        caller = self._keys.certificate("server-to-kubelet", "kube-apiserver", ADMINISTRATORS)
        return [
            *options.api_server(ETCD, self._keys),
            *("--bind-address=0.0.0.0", f"--secure-port={API_PORT}"),
            f"--advertise-address={NODE_ADDRESS}",
            "--allow-privileged",
            "--enable-admission-plugins=NodeRestriction",
            # By name, it would ask the DNS of the machine, which has never heard of the node.
            "--kubelet-preferred-address-types=InternalIP",
            *(f"--kubelet-client-certificate={caller}", f"--kubelet-client-key={caller}"),
            f"--kubelet-certificate-authority={self.ca_file}",
        ]

    def _is_ready(self) -> bool:
        """Ready is not enough: the server makes the first namespaces a moment later."""
        return all(map(self._succeeds, ("/readyz", "/api/v1/namespaces/default")))

    def _succeeds(self, path: str) -> bool:
        try:
            answer = httpx.get(api_url() + path, verify=self._context, trust_env=False, timeout=5)
        except httpx.TransportError:
            return False
        return answer.is_success
