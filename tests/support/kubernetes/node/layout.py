"""Where everything of the node is: its one folder, its names on this machine, its addresses.

One per machine: the network namespace, the link and the cgroup have fixed names, so that whoever
comes later finds what a run that died has left.
"""

from __future__ import annotations

import os
from pathlib import Path

NAME = "auto-ai-router"
HOST_LINK = "airouter-host"
NODE_LINK = "airouter-node"

# Only the first two exist outside of the namespace.
HOST_ADDRESS = "10.203.77.1"
NODE_ADDRESS = "10.203.77.2"
PODS = "10.244.0.0/16"
API_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
API_PORT = 6443

NODE = "node"
VOLUME_PLUGINS = "volume-plugins"
NETWORK = Path("/run/netns") / NAME
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def home() -> Path:
    """What the cluster keeps on this machine while it is up."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / NAME / "cluster"


def api_url() -> str:
    """The same for the host, for the node and, by the first Service address, for pods."""
    return f"https://{NODE_ADDRESS}:{API_PORT}"
