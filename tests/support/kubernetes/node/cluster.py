"""The cluster of this machine, up and down.

Down is the same after a day's work as after a run that was killed: everything is found by what it
left, nothing is asked to end in order, and each step does nothing where there is nothing. Pods go
with kubelet, whose state nobody needs any more.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.kubernetes.binaries import Binaries, binaries
from support.kubernetes.clients import CommandFailed
from support.kubernetes.modules import alone_in, say
from support.kubernetes.node import cgroups, machine, network, packages
from support.kubernetes.node.control_plane import ControlPlane
from support.kubernetes.node.daemons import Daemon
from support.kubernetes.node.images import program_image
from support.kubernetes.node.layout import DNS_SERVICE, NODE, home
from support.kubernetes.node.node import Node
from support.kubernetes.node.runtime import Runtime
from support.kubernetes.node.workers import start_kubelet, start_proxy
from support.kubernetes.processes import NotReady, until

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
DAEMONS = (*CONTROL_PLANE, "containerd", "kubelet", "kube-proxy")
OWN_IMAGES = ("pause", "coredns")
READY = 120.0
MANIFESTS = Path(__file__).with_name("coredns.yaml")
ASK_DNS = Path(__file__).with_name("ask_dns.py")
IS_READY = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"


class NotRoot(RuntimeError):
    """Only root can make network namespaces and mounts."""


def up() -> Node:
    """The cluster, which is brought up unless it is."""
    folder = home()
    node = Node(folder)
    with _alone(folder):
        if all(status().values()) and _works(node):
            say("The cluster is up already")
            return node
        packages.install()
        programs = binaries()
        archives = [program_image(programs, name) for name in OWN_IMAGES]
        _remove(folder)
        folder.mkdir(parents=True)
        _start(folder, programs, archives)
        say("Waiting for the node and its DNS")
        _wait(node)
    return node


def down() -> None:
    """Leave nothing of it."""
    folder = home()
    with _alone(folder):
        _remove(folder)


def is_up() -> bool:
    """Whether every program runs and does its work."""
    return all(status().values()) and _is_ready(Node()) and _dns_answers()


def status() -> dict[str, bool]:
    """Which programs run."""
    return {name: not Daemon(name, home()).ended() for name in DAEMONS}


def _start(folder: Path, programs: Binaries, archives: list[Path]) -> None:
    say(f"Starting the control plane; logs are in {folder}")
    machine.remember(folder / "kernel.json")
    network.create()
    cgroups.create()
    plane = ControlPlane(folder, programs)
    plane.start()
    say("Starting the node")
    runtime = Runtime(folder)
    runtime.start()
    for archive in archives:
        runtime.load(archive)
    start_kubelet(folder, programs, plane, runtime.socket)
    start_proxy(folder, programs, plane)


def _works(node: Node) -> bool:
    """Also if whoever started it died before it did, or if the machine is busy."""
    try:
        _wait(node)
    except (CommandFailed, NotReady, TimeoutError) as failure:
        say(f"The cluster runs and does not work: {failure}")
        return False
    return True


def _wait(node: Node) -> None:
    node.kubectl("apply", "--filename", str(MANIFESTS))
    until(lambda: _all_run(node.folder) and _is_ready(node), READY)
    until(lambda: _all_run(node.folder) and _dns_answers(), READY)


def _all_run(folder: Path) -> bool:
    for daemon in (Daemon(name, folder) for name in DAEMONS):
        if daemon.ended():
            raise NotReady(f"{daemon.name} ended:\n{daemon.tail()}")
    return True


def _is_ready(node: Node) -> bool:
    try:
        return node.kubectl("get", "node", NODE, "--output", IS_READY, timeout=10) == "True"
    except CommandFailed:
        return False


def _dns_answers() -> bool:
    name = "kubernetes.default.svc.cluster.local"
    try:
        network.inside(sys.executable, ASK_DNS, DNS_SERVICE, name)
    except CommandFailed:
        return False
    return True


def _remove(folder: Path) -> None:
    """In the reverse order; nothing that could start anew outlives what would start it."""
    for name in reversed(DAEMONS):
        if name != "containerd":
            Daemon(name, folder).stop()
    cgroups.delete()
    Runtime(folder).stop()
    machine.unmount(folder)
    network.delete()
    machine.restore(folder / "kernel.json")
    machine.forget_pods(folder)
    if folder.exists():
        shutil.rmtree(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    if os.geteuid() != 0:
        raise NotRoot("A node of its own needs root; any cluster will do if KUBECONFIG names it.")
    with alone_in(folder.parent):
        yield
