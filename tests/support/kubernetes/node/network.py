"""A network namespace for the node, so that its addresses, ports and rules are nobody else's.

A pair of links joins it to the host, which thereby reaches the API server and every NodePort; pods
reach the host. Enter it with `nsenter`: `ip netns exec` mounts another `/sys`, which hides cgroups.
"""

from __future__ import annotations

from pathlib import Path

from support.kubernetes.clients import output
from support.kubernetes.node.layout import (
    HOST_ADDRESS,
    HOST_LINK,
    NAME,
    NETWORK,
    NODE_ADDRESS,
    NODE_LINK,
)

# Packets are forwarded between pods, and those that stay on the bridge meet the rules of Services.
SWITCHES = ("ipv4/ip_forward", "bridge/bridge-nf-call-iptables")
QUICK = 30.0


def create() -> None:
    """Make the namespace and its link to the host."""
    _ip("netns", "add", NAME)
    _ip("link", "add", HOST_LINK, "type", "veth", "peer", "name", NODE_LINK, "netns", NAME)
    _ip("address", "add", f"{HOST_ADDRESS}/30", "dev", HOST_LINK)
    _ip("link", "set", HOST_LINK, "up")
    _ip("-n", NAME, "address", "add", f"{NODE_ADDRESS}/30", "dev", NODE_LINK)
    _ip("-n", NAME, "link", "set", "lo", "up")
    _ip("-n", NAME, "link", "set", NODE_LINK, "up")
    _ip("-n", NAME, "route", "add", "default", "via", HOST_ADDRESS)
    for switch in SWITCHES:
        file = Path("/proc/sys/net") / switch
        inside("sh", "-c", f"! test -e {file} || echo 1 >{file}")


def delete() -> None:
    """Delete what is there; the link by itself, because its namespace goes only some time later."""
    if Path("/sys/class/net", HOST_LINK).exists():
        _ip("link", "delete", HOST_LINK)
    if NETWORK.exists():
        _ip("netns", "delete", NAME)


def inside(*arguments: str | Path) -> str:
    """What a command in the namespace writes to standard output."""
    return output("nsenter", f"--net={NETWORK}", *arguments, timeout=QUICK)


def _ip(*arguments: str) -> None:
    output("ip", *arguments, timeout=QUICK)
