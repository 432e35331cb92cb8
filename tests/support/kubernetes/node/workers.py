"""kubelet, which runs the pods, and kube-proxy, which makes the rules of Services."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.kubernetes.binaries import Binaries
from support.kubernetes.node.control_plane import ControlPlane
from support.kubernetes.node.daemons import Daemon
from support.kubernetes.node.layout import (
    DNS_SERVICE,
    NAME,
    NODE,
    NODE_ADDRESS,
    PODS,
    VOLUME_PLUGINS,
)

# Nothing is evicted or collected because the disk of the machine is nearly full.
EVICTION = {
    "memory.available": "50Mi",
    "nodefs.available": "1%",
    "nodefs.inodesFree": "1%",
    "imagefs.available": "1%",
}


def start_kubelet(folder: Path, programs: Binaries, plane: ControlPlane, socket: Path) -> None:
    """Start kubelet, which makes itself known as a Node."""
    kubeconfig = plane.kubeconfig("kubelet", f"system:node:{NODE}", "system:nodes")
    config = _write(folder / "kubelet.json", kubelet_config(folder, plane, socket))
    told = [
        *(f"--config={config}", f"--kubeconfig={kubeconfig}"),
        *(f"--hostname-override={NODE}", f"--node-ip={NODE_ADDRESS}"),
        f"--root-dir={folder / 'kubelet'}",
    ]
    Daemon("kubelet", folder).start(programs.path("kubelet"), told)


def kubelet_config(folder: Path, plane: ControlPlane, socket: Path) -> dict[str, Any]:
    """As on a small machine that may have swap, cgroups v1, or a nearly full disk."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{NAME}",
        "failSwapOn": False,
        # There may be no statistics of the file system that images lie in.
        "localStorageCapacityIsolation": False,
        "evictionHard": EVICTION,
        "imageGCHighThresholdPercent": 100,
        "oomScoreAdj": 0,
        "authentication": {"x509": {"clientCAFile": str(plane.ca_file)}},
        "tlsCertFile": str(plane.serving),
        "tlsPrivateKeyFile": str(plane.serving),
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        # Pods see nothing of the machine's DNS.
        "resolvConf": "",
        # How soon a mounted Secret follows; a minute is what tests would wait for.
        "syncFrequency": "5s",
        "podLogsDir": str(folder / "pod-logs"),
        "volumePluginDir": str(folder / VOLUME_PLUGINS),
    }


def start_proxy(folder: Path, programs: Binaries, plane: ControlPlane) -> None:
    """Start kube-proxy, which leaves the kernel's table of connections as it is."""
    kubeconfig = plane.kubeconfig("proxy", "system:kube-proxy")
    config = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "hostnameOverride": NODE,
        "mode": "iptables",
        "clusterCIDR": PODS,
        "nodePortAddresses": ["primary"],
        "conntrack": {
            "maxPerCore": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
        "oomScoreAdj": 0,
    }
    told = [f"--config={_write(folder / 'kube-proxy.json', config)}"]
    Daemon("kube-proxy", folder).start(programs.path("kube-proxy"), told)


def _write(file: Path, config: dict[str, Any]) -> Path:
    file.write_text(json.dumps(config, indent=2))
    return file
