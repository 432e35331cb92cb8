"""Processes on a core of their own, and what the kernel says they used."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

SERVER_CORE, LOAD_CORE = 0, 1
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
STARTING = 60.0
ROOT = Path(__file__).resolve().parent.parent


class Running:
    """A process and its children, all pinned to one core."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    @property
    def pids(self) -> list[int]:
        """Itself and its children."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        return sum(cpu_of(pid) for pid in self.pids)

    def memory(self) -> int:
        """Resident bytes."""
        return sum(
            int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE for pid in self.pids
        )


def cpu_of(pid: int) -> float:
    """User and system seconds of one process, from `/proc` (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: Sequence[str], port: int, *, core: int, log: Path, **environment: str
) -> Iterator[Running]:
    """Start a server, wait until it listens, and end it with all its children."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=ROOT,
            env={**os.environ, **environment},
        )
    try:
        wait_for(port, process, log)
        yield Running(process, port)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when something listens. Raises `RuntimeError` with the end of the log."""
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on {port}: {log.read_text()[-2000:]}")


def python(module: str, *arguments: object) -> list[str]:
    """The command for a module of this package, or of the router."""
    return [sys.executable, "-m", module, *map(str, arguments)]


def figures_of(command: Sequence[str], seconds: float) -> list[float]:
    """Run a client for some seconds on the load's core, and return the numbers that it prints."""
    output = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), *command],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
        cwd=ROOT,
    ).stdout
    return [float(figure) for figure in output.split()]
