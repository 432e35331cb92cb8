"""etcd and kube-apiserver on 127.0.0.1, with RBAC and an audit log; ready in a few seconds.

Everything lies in one folder: etcd's data, certificates, logs. A test that wants an outage stops
the server and starts it again, on the same port and with the same objects.
"""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import httpx

from support.kubernetes import audit, clients, options
from support.kubernetes.audit import AuditEntry
from support.kubernetes.binaries import Binaries, binaries
from support.kubernetes.credentials import ADMINISTRATORS, Credentials, certificate_user
from support.kubernetes.processes import Process
from support.ports import free_port

STARTING = 180.0
CONTROLLERS = ("garbage-collector-controller",)
KubectlFailed = clients.CommandFailed


class ApiServer:
    """A Kubernetes without nodes: objects, rules and watches are real, nothing runs."""

    def __init__(self, folder: Path, programs: Binaries | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self._etcd_url = f"http://127.0.0.1:{free_port()}"
        self._programs = programs or binaries()
        self._credentials = Credentials(folder / "credentials")
        administrator = self._client("admin", group=ADMINISTRATORS)
        self.admin_context: ssl.SSLContext = self._credentials.client_context(administrator)
        self.admin_kubeconfig = self._kubeconfig("admin", administrator)
        self._cleanup = ExitStack()
        self._server: Process | None = None
        self._controllers: Process | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        return self._credentials.ca_file

    def __enter__(self) -> Self:
        with ExitStack() as failed:
            failed.callback(shutil.rmtree, self.folder / "etcd", ignore_errors=True)
            etcd = self._start_etcd()
            failed.callback(etcd.stop)
            etcd.until(lambda: self._succeeds(f"{self._etcd_url}/health"), STARTING)
            failed.callback(self.stop_server)
            failed.callback(self.stop_controller_manager)
            self.start_server()
            self._cleanup = failed.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def start_server(self) -> None:
        """Start kube-apiserver and wait until it is ready."""
        assert self._server is None
        log = self.folder / "kube-apiserver.log"
        self._server = Process(self._programs.kube_apiserver, self._server_options(), log)
        self._server.until(self._is_ready, STARTING)

    def stop_server(self) -> None:
        """Kill kube-apiserver, as when its machine fails; etcd keeps the objects."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def compact(self) -> None:
        """Make every `resourceVersion` that was given out so far answer 410.

        etcd forgets its history, and the server starts anew, because its watch cache still has it.
        Something is written before, or the newest version that was given out would still be good.
        """
        self.stop_server()
        written = self._etcd("kv/put", {"key": "Y29tcGFjdGVk"})  # base64 of "compacted"
        self._etcd("kv/compaction", {"revision": written["header"]["revision"], "physical": True})
        self.start_server()

    def change_token_key(self) -> None:
        """Start it anew with another key for tokens, or after that with the first one again."""
        self.stop_server()
        self._credentials.change_token_key()
        self.start_server()

    def start_controller_manager(self, controllers: Sequence[str] = CONTROLLERS) -> None:
        """Start kube-controller-manager with these controllers.

        The garbage collector looks for new kinds of objects every 30 seconds: install CRDs first.
        """
        assert self._controllers is None
        log = self.folder / "kube-controller-manager.log"
        port = free_port()
        told = self._controller_options(controllers, port)
        self._controllers = Process(self._programs.kube_controller_manager, told, log)
        healthy = f"https://127.0.0.1:{port}/healthz"
        self._controllers.until(lambda: self._succeeds(healthy), STARTING)

    def stop_controller_manager(self) -> None:
        """Kill kube-controller-manager, if it runs."""
        if self._controllers is not None:
            self._controllers.stop()
            self._controllers = None

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002  # as subprocess.run calls it
        check: bool = True,
        kubeconfig: Path | None = None,
        timeout: float = 120.0,
    ) -> str:
        """What kubectl writes to standard output, as the administrator unless told otherwise."""
        return clients.run(
            self._programs.kubectl,
            arguments,
            kubeconfig=kubeconfig or self.admin_kubeconfig,
            home=self.folder,
            standard_input=input,
            check=check,
            timeout=timeout,
        )

    def kubeconfig_for(self, namespace: str, service_account: str) -> Path:
        """A kubeconfig that has nothing but a token of that ServiceAccount."""
        token = self.kubectl("create", "token", service_account, "--namespace", namespace).strip()
        name = f"{namespace}-{service_account}"
        return self._credentials.kubeconfig(name, self.url, {"token": token}, namespace)

    def audit(self) -> list[AuditEntry]:
        """Every request so far."""
        return audit.entries(self.folder / "audit.log")

    def _start_etcd(self) -> Process:
        told = options.etcd(self.folder / "etcd", self._etcd_url)
        return Process(self._programs.etcd, told, self.folder / "etcd.log")

    def _server_options(self) -> list[str]:
        return [
            *options.api_server(self._etcd_url, self._credentials),
            *("--bind-address=127.0.0.1", f"--secure-port={self.port}"),
            # 127.0.0.1 is no valid address for the Endpoints of the Service `kubernetes`.
            *("--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none"),
            # Nobody makes each namespace's `default` ServiceAccount, without which it refuses Pods.
            "--disable-admission-plugins=ServiceAccount",
            *audit.options(self.folder),
        ]

    def _controller_options(self, controllers: Sequence[str], port: int) -> list[str]:
        certificate = self._client("system:kube-controller-manager")
        kubeconfig = self._kubeconfig("controllers", certificate)
        return [
            *options.controller_manager(kubeconfig, port, self._credentials),
            f"--controllers={','.join(controllers)}",
        ]

    def _is_ready(self) -> bool:
        """Ready is not enough: the server makes the first namespaces a moment later."""
        paths = ("/readyz", "/api/v1/namespaces/default")
        return all(self._succeeds(self.url + path) for path in paths)

    def _succeeds(self, url: str) -> bool:
        context = self.admin_context
        try:
            return httpx.get(url, verify=context, trust_env=False, timeout=5).is_success
        except httpx.TransportError:
            return False

    def _etcd(self, method: str, body: dict[str, object]) -> dict[str, dict[str, str]]:
        answer = httpx.post(f"{self._etcd_url}/v3/{method}", json=body, trust_env=False, timeout=30)
        found: dict[str, dict[str, str]] = answer.raise_for_status().json()
        return found

    def _client(self, user: str, group: str | None = None) -> Path:
        return self._credentials.certificate(user.replace(":", "-"), user=user, group=group)

    def _kubeconfig(self, name: str, certificate: Path) -> Path:
        user = certificate_user(certificate)
        return self._credentials.kubeconfig(name, self.url, user, "default")
