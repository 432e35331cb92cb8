"""The control groups below which kubelet puts every pod: with them, all that pods run is found.

Version 1 has a hierarchy for each controller, version 2 has one for all.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from support.kubernetes.node.daemons import kill, process
from support.kubernetes.node.layout import NAME
from support.kubernetes.processes import until

ROOT = Path("/sys/fs/cgroup")


def create() -> None:
    """Make the group that kubelet wants to find."""
    controllers = ROOT / "cgroup.controllers"
    if controllers.exists():
        for controller in controllers.read_text().split():
            with suppress(OSError):  # kubelet says so if it needs that one
                (ROOT / "cgroup.subtree_control").write_text(f"+{controller}")
    for group in _ours():
        group.mkdir(exist_ok=True)


def delete() -> None:
    """Kill whatever is in it, and delete it."""
    until(lambda: all(map(_is_deleted, _ours())))


def signal_pod(uid: str, number: int) -> None:
    """Signal every process of a pod."""
    pods = (pod for group in _ours() for pod in group.rglob(f"pod{uid}"))
    lists = {file for pod in pods for file in pod.rglob("cgroup.procs")}
    for process_id in {int(line) for file in lists for line in file.read_text().split()}:
        with suppress(ProcessLookupError):
            os.kill(process_id, number)


def _ours() -> set[Path]:
    hierarchies = [ROOT] if (ROOT / "cgroup.controllers").exists() else ROOT.iterdir()
    return {folder.resolve() / NAME for folder in hierarchies if (folder / "cgroup.procs").exists()}


def _is_deleted(group: Path) -> bool:
    """After this attempt; what it kills takes a moment to leave its group."""
    for folder, _, _ in os.walk(group, topdown=False):
        with suppress(FileNotFoundError):
            for number in map(int, Path(folder, "cgroup.procs").read_text().split()):
                with process(number) as handle:
                    if handle is not None:
                        kill(handle, f"process {number} in {folder}")
        with suppress(OSError):
            Path(folder).rmdir()
    return not group.exists()
