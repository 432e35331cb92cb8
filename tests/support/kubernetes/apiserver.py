"""etcd and kube-apiserver on 127.0.0.1, with RBAC and an audit log; ready in a few seconds.

Everything lies in one folder: etcd's data, certificates, logs. A test that wants an outage stops
the server and starts it again, on the same port and with the same objects.
"""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import httpx

from support.kubernetes import audit
from support.kubernetes.audit import AuditEntry
from support.kubernetes.binaries import Binaries, binaries
from support.kubernetes.credentials import ADMINISTRATORS, Credentials, certificate_user
from support.kubernetes.processes import Process, free_port

STARTING = 60.0
CONTROLLERS = ("garbage-collector-controller",)


class KubectlFailed(RuntimeError):
    """What kubectl wrote to standard error."""


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

    def start_controller_manager(self, controllers: Sequence[str] = CONTROLLERS) -> None:
        """Start kube-controller-manager with these controllers.

        The garbage collector looks for new kinds of objects every 30 seconds: install CRDs first.
        """
        assert self._controllers is None
        log = self.folder / "kube-controller-manager.log"
        port = free_port()
        options = self._controller_options(controllers, port)
        self._controllers = Process(self._programs.kube_controller_manager, options, log)
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
        timeout: float = 30.0,
    ) -> str:
        """What kubectl writes to standard output, as the administrator unless told otherwise."""
        done = subprocess.run(
            [self._programs.kubectl, *arguments],
            input=input,
            env=self._kubectl_environment(kubeconfig or self.admin_kubeconfig),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise KubectlFailed(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def kubeconfig_for(self, namespace: str, service_account: str) -> Path:
        """A kubeconfig that has nothing but a token of that ServiceAccount."""
        token = self.kubectl("create", "token", service_account, "--namespace", namespace).strip()
        name = f"{namespace}-{service_account}"
        return self._credentials.kubeconfig(name, self.url, {"token": token}, namespace)

    def audit(self) -> list[AuditEntry]:
        """Every request so far."""
        return audit.entries(self.folder / "audit.log")

    def _start_etcd(self) -> Process:
        options = [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={self._etcd_url}",
            f"--advertise-client-urls={self._etcd_url}",
            "--listen-peer-urls=http://127.0.0.1:0",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]
        return Process(self._programs.etcd, options, self.folder / "etcd.log")

    def _server_options(self) -> list[str]:
        keys = self._credentials
        return [
            f"--etcd-servers={self._etcd_url}",
            *("--bind-address=127.0.0.1", f"--secure-port={self.port}"),
            # 127.0.0.1 is no valid address for the Endpoints of the Service `kubernetes`.
            *("--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none"),
            "--service-cluster-ip-range=10.96.0.0/16",
            *(f"--tls-cert-file={keys.serving}", f"--tls-private-key-file={keys.serving}"),
            f"--client-ca-file={keys.ca_file}",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={keys.token_key}",
            f"--service-account-signing-key-file={keys.token_key}",
            # Nobody makes each namespace's `default` ServiceAccount, without which it refuses Pods.
            "--disable-admission-plugins=ServiceAccount",
            *audit.options(self.folder),
        ]

    def _controller_options(self, controllers: Sequence[str], port: int) -> list[str]:
        keys = self._credentials
        certificate = self._client("system:kube-controller-manager")
        return [
            *("--bind-address=127.0.0.1", f"--secure-port={port}"),
            *(f"--tls-cert-file={keys.serving}", f"--tls-private-key-file={keys.serving}"),
            f"--kubeconfig={self._kubeconfig('controllers', certificate)}",
            f"--controllers={','.join(controllers)}",
            f"--service-account-private-key-file={keys.token_key}",
            f"--root-ca-file={keys.ca_file}",
            "--use-service-account-credentials",
            "--leader-elect=false",
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

    def _kubectl_environment(self, kubeconfig: Path) -> dict[str, str]:
        """A home of its own: no cache and no preferences of the person who runs the tests."""
        home = {"HOME": str(self.folder), "KUBECONFIG": str(kubeconfig)}
        return {"PATH": os.environ.get("PATH", ""), **home}
