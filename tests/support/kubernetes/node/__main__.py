"""The cluster of this machine, for a person and for `make`: up, down, status, load, base-image.

It needs `tests` on the PYTHONPATH, and root.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from support.kubernetes.binaries import binaries
from support.kubernetes.clients import CommandFailed
from support.kubernetes.modules import CannotBuild
from support.kubernetes.node import cluster
from support.kubernetes.node.images import base_image
from support.kubernetes.node.node import Node
from support.kubernetes.node.packages import install
from support.kubernetes.processes import NotReady

REFUSALS = (cluster.NotRoot, CannotBuild, CommandFailed, NotReady, TimeoutError)


def main() -> None:
    """Standard output has only what another program may want to read."""
    parser = argparse.ArgumentParser(prog="support.kubernetes.node", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "down", "status", "base-image"):
        commands.add_parser(name)
    commands.add_parser("load").add_argument("archive", type=Path)
    chosen = parser.parse_args()
    try:
        sys.exit(run(chosen.command, getattr(chosen, "archive", None)))
    except REFUSALS as refusal:
        sys.exit(str(refusal))


def run(command: str, archive: Path | None) -> int:
    """What the process ends with."""
    if command == "up":
        _say(f"KUBECONFIG={cluster.up().kubeconfig}")
    elif command == "down":
        cluster.down()
    elif command == "status":
        return _status()
    elif command == "base-image":
        install()
        _say(base_image(binaries().cache))
    elif archive is not None:
        Node().load_image(archive)
    return 0


def _status() -> int:
    for name, runs in cluster.status().items():
        _say(f"{name:24} {'runs' if runs else 'does not run'}")
    ready = cluster.is_up()
    _say(f"KUBECONFIG={Node().kubeconfig}" if ready else "The cluster is not up")
    return 0 if ready else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
