"""nginx and wrk: installed where they are missing and Debian's packages can be had."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

TOOLS = ("nginx", "wrk")


def install_missing() -> None:
    """Install what is missing. Exits with 2 and the command to run where that is not possible."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if not missing:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"The benchmarks need {' and '.join(missing)}: sudo {' '.join(command)}")
        sys.exit(2)
    print(f"Installing {' and '.join(missing)}", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=True, timeout=300, env=quiet)
    subprocess.run([*command, "-qq"], check=True, timeout=600, env=quiet)


def surroundings() -> list[str]:
    """Return the tools that the figures were measured with."""
    libraries = (f"{name} {version(name)}" for name in ("uvloop", "httptools", "msgspec"))
    return [
        ", ".join([f"Python {platform.python_version()}", *libraries]),
        f"Linux {platform.release()}",
        processor(),
    ]


def nginx() -> str:
    """Return the version of what the figures are compared with."""
    told = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr
    return told.strip().removeprefix("nginx version: ")


def processor() -> str:
    """Return the model of the processor, and its number of cores."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), ""
    )
    return f"{model or platform.machine()}, {os.cpu_count()} cores"
