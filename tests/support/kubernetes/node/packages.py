"""What the node takes from Debian: installed when the program or file that shows it is missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from support.kubernetes.clients import output
from support.kubernetes.modules import say
from support.kubernetes.node.layout import PATH

SHOWN_BY = {
    "containerd": "containerd",
    "runc": "runc",
    "buildah": "buildah",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "iptables": "iptables",
    "iproute2": "ip",
    "conntrack": "conntrack",
    "debootstrap": "debootstrap",
    "debian-archive-keyring": "/usr/share/keyrings/debian-archive-keyring.gpg",
}
INSTALLING = 900.0


def install() -> None:
    """Install what is missing."""
    missing = [package for package, sign in SHOWN_BY.items() if not _is_there(sign)]
    if missing:
        say(f"Installing {', '.join(missing)}")
        _apt("update")
        _apt("install", "--yes", "--no-install-recommends", *missing)


def _is_there(sign: str) -> bool:
    return Path(sign).exists() if sign.startswith("/") else bool(shutil.which(sign, path=PATH))


def _apt(*arguments: str) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    output("apt-get", "--quiet", *arguments, timeout=INSTALLING, environment=quiet)
