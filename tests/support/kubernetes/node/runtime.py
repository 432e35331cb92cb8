"""containerd for the node, apart from any that the machine runs; images come from files."""

from __future__ import annotations

import json
from pathlib import Path

from support.kubernetes.clients import CommandFailed, output
from support.kubernetes.node.daemons import Daemon, command, kill, process
from support.kubernetes.node.layout import NAME, PODS

STARTING = 180.0
LOADING = 300.0

# TOML; JSON's strings are strings of TOML. Where root may not lower oom_score_adj, no sandbox would
# start unless that is restricted.
CONFIG = """
version = 2
root = {root}
state = {state}
[grpc]
address = {socket}
[plugins."io.containerd.internal.v1.opt"]
path = {opt}
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "localhost/pause:node"
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = {cni}
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
"""


class Runtime:
    """containerd, its socket, its images."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "containerd"
        self._daemon = Daemon("containerd", folder)
        self.socket = self._folder / "containerd.sock"

    def start(self) -> None:
        """Return when it answers."""
        self._folder.mkdir()
        paths = {name: self._folder / name for name in ("root", "state", "opt", "cni")}
        paths["socket"] = self.socket
        config = self._folder / "config.toml"
        config.write_text(CONFIG.format_map({key: json.dumps(str(paths[key])) for key in paths}))
        self._write_network()
        self._daemon.start("containerd", [f"--config={config}"])
        self._daemon.until(self._answers, STARTING)

    def load(self, archive: Path) -> None:
        """Give the node the image in a file that `docker save` or `buildah push` wrote."""
        self._ctr("images", "import", str(archive))

    def stop(self) -> None:
        """Kill it and the helpers that it leaves, one for each pod, known by its socket."""
        self._daemon.stop()
        for number in [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]:
            with process(number) as handle:
                if handle is not None and str(self.socket) in command(number):
                    kill(handle, f"helper {number} of containerd")
        for address in self._folder.glob("state/*/*/*/address"):
            Path(address.read_text().removeprefix("unix://")).unlink(missing_ok=True)

    def _write_network(self) -> None:
        """Pods hang on a bridge, with addresses that count up from a file."""
        ranges = {"ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]}
        addresses = {"type": "host-local", "dataDir": str(self._folder / "addresses"), **ranges}
        bridge = {"type": "bridge", "bridge": "pods", "isGateway": True, "ipMasq": True}
        ports = {"type": "portmap", "capabilities": {"portMappings": True}}
        plugins = [{**bridge, "hairpinMode": True, "ipam": addresses}, ports]
        config = {"cniVersion": "0.4.0", "name": NAME, "plugins": plugins}
        (self._folder / "cni").mkdir()
        (self._folder / "cni" / "10-pods.conflist").write_text(json.dumps(config))

    def _answers(self) -> bool:
        try:
            self._ctr("version")
        except CommandFailed:
            return False
        return True

    def _ctr(self, *arguments: str) -> None:
        there = ("ctr", f"--address={self.socket}", "--namespace=k8s.io")
        output(*there, *arguments, timeout=LOADING)
