"""A cluster that somebody else keeps: what `KUBECONFIG` names, with the images that are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest

from support.kubernetes import clients
from support.kubernetes.binaries import binaries

HELM = {3: "helm3", 4: "helm"}


class Elsewhere:
    """What the tests ask of a cluster; `Node` is the one that they bring up themselves."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        nodes = json.loads(self.kubectl("get", "nodes", "-o", "json"))["items"]
        addresses = nodes[0]["status"]["addresses"]
        self.address = next(a["address"] for a in addresses if a["type"] == "InternalIP")

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002 - as subprocess.run calls it
        check: bool = True,
        timeout: float = 300.0,
    ) -> str:
        """What kubectl writes to standard output."""
        return self._run("kubectl", arguments, input, check, timeout)

    def helm(
        self,
        *arguments: str,
        version: Literal[3, 4] = 4,
        check: bool = True,
        timeout: float = 300.0,
    ) -> str:
        """What helm writes to standard output."""
        return self._run(HELM[version], arguments, None, check, timeout)

    def freeze(self, pod_uid: str) -> None:
        """Nobody can stop a process on somebody else's node."""
        pytest.skip(f"pod {pod_uid} is on a node of somebody else")

    def _run(
        self,
        program: str,
        arguments: tuple[str, ...],
        standard_input: str | None,
        check: bool,
        timeout: float,
    ) -> str:
        return clients.run(
            binaries().path(program),
            arguments,
            kubeconfig=self.kubeconfig,
            home=self.kubeconfig.parent,
            standard_input=standard_input,
            check=check,
            timeout=timeout,
        )
