"""What the node changes of the machine itself, and how that is undone.

kubelet sets a few switches of the kernel, two programs keep files where one cannot choose, and
mounts stay behind when the programs that made them are killed.
"""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from pathlib import Path

from support.kubernetes.node.layout import NAME

# Those that kubelet calls its tunables.
SWITCHES = (
    *("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops"),
    *("kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"),
)
SYS = Path("/proc/sys")
POD_LOGS = Path("/var/log/containers")
POD_ADDRESSES = Path("/var/lib/cni/results")


def remember(file: Path) -> None:
    """Keep the switches as they are."""
    file.write_text(json.dumps({switch: (SYS / switch).read_text() for switch in SWITCHES}))


def restore(file: Path) -> None:
    """Set them back, if they were kept: whoever died before has changed nothing."""
    with suppress(FileNotFoundError, ValueError):
        for switch, value in json.loads(file.read_text()).items():
            (SYS / switch).write_text(value)


def unmount(folder: Path) -> None:
    """Unmount everything below a folder, the innermost first."""
    table = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split(" ")[4].encode().decode("unicode_escape") for line in table]
    for point in reversed([point for point in points if Path(point).is_relative_to(folder)]):
        # Lazily: a program elsewhere may still see it in a mount namespace of its own.
        subprocess.run(["umount", "--lazy", point], check=True, capture_output=True)


def forget_pods(folder: Path) -> None:
    """Delete kubelet's links to logs in the folder, and what the network plugins remember."""
    for link in POD_LOGS.glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(folder):
            link.unlink()
    for result in POD_ADDRESSES.glob(f"{NAME}-*-eth0"):
        pod = result.name.removeprefix(f"{NAME}-").removesuffix("-eth0")
        result.with_name(f"cni-loopback-{pod}-lo").unlink(missing_ok=True)
        result.unlink()
