"""What tests hold of a cluster that runs: its kubeconfig, kubectl, helm, images, addresses."""

from __future__ import annotations

import signal
from pathlib import Path

from support.kubernetes import clients
from support.kubernetes.binaries import Binaries, binaries
from support.kubernetes.node import cgroups
from support.kubernetes.node.layout import HOST_ADDRESS, NODE_ADDRESS, home
from support.kubernetes.node.runtime import Runtime

HELM = {3: "helm3", 4: "helm"}


class Node:
    """The cluster of this machine, which `cluster.up` has brought up."""

    address = NODE_ADDRESS
    """Where the host reaches a NodePort."""
    host_address = HOST_ADDRESS
    """Where pods reach the host."""

    def __init__(self, folder: Path | None = None, programs: Binaries | None = None) -> None:
        self.folder = folder or home()
        self.kubeconfig = self.folder / "credentials" / "admin.kubeconfig"
        self._programs = programs or binaries()
        self._runtime = Runtime(self.folder)

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002  # as subprocess.run calls it
        check: bool = True,
        timeout: float = 300.0,
    ) -> str:
        """What kubectl writes to standard output, as the administrator."""
        return self._run("kubectl", arguments, input, check, timeout)

    def helm(
        self,
        *arguments: str,
        version: int = 4,
        check: bool = True,
        timeout: float = 300.0,
    ) -> str:
        """What helm 3 or 4 writes to standard output, as the administrator."""
        return self._run(HELM[version], arguments, None, check, timeout)

    def program(self, name: str) -> Path:
        """kubectl or helm itself, for what runs longer than a call."""
        return self._programs.path(name)

    def load_image(self, archive: Path) -> None:
        """Give the node an image, from a file of `docker save` or `buildah push docker-archive:`.

        Pods name it with `imagePullPolicy: Never` or `IfNotPresent`.
        """
        self._runtime.load(archive)

    def freeze(self, uid: str) -> None:
        """Stop whatever runs in a pod, until a signal lets it go on or ends it."""
        cgroups.signal_pod(uid, signal.SIGSTOP)

    def _run(
        self,
        program: str,
        arguments: tuple[str, ...],
        standard_input: str | None,
        check: bool,
        timeout: float,
    ) -> str:
        return clients.run(
            self._programs.path(program),
            arguments,
            kubeconfig=self.kubeconfig,
            home=self.folder,
            standard_input=standard_input,
            check=check,
            timeout=timeout,
        )
