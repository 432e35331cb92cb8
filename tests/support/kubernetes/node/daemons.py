"""Programs that outlive the command that starts them, and are found again by their process ids.

Each writes its own id before it becomes the program, so that no id is missing however the command
ends. An id may since belong to someone else: only a process whose command line names the cluster's
folder is one of ours, and it is signalled by a handle that never means another.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from support.kubernetes.node.layout import NETWORK, PATH
from support.kubernetes.processes import Running, until

ENDING = 60.0
WRITE_ID_AND_BECOME = 'echo $$ >"$0" && exec "$@"'


class Daemon(Running):
    """A program in the network namespace of the node; its options name the cluster's folder."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name, folder / f"{name}.log")
        self._folder = folder
        self._id = folder / f"{name}.pid"

    def start(self, program: str | Path, options: Sequence[str]) -> None:
        """Start it apart from this process, its session and its terminal."""
        become = ["setsid", "--fork", "sh", "-c", WRITE_ID_AND_BECOME, str(self._id)]
        inside = ["nsenter", f"--net={NETWORK}", str(program), *options]
        with self.log.open("ab") as output:
            subprocess.run(
                [*become, *inside],
                cwd="/",
                env={"PATH": PATH, "HOME": str(self._folder)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=True,
            )
        until(lambda: self._has_become(str(program)))

    def ended(self) -> bool:
        with self._handle() as handle:
            return handle is None

    def stop(self) -> None:
        """Kill it at once, and wait until it is gone."""
        with self._handle() as handle:
            if handle is not None:
                kill(handle, self.name)

    @contextmanager
    def _handle(self) -> Iterator[int | None]:
        number = self._written()
        if number is None:
            yield None
            return
        with process(number) as handle:
            ours = handle is not None and any(str(self._folder) in word for word in command(number))
            yield handle if ours else None

    def _has_become(self, program: str) -> bool:
        """Before that, its command line is for a moment empty, as if it had ended."""
        number = self._written()
        if number is None:
            return False
        with process(number) as handle:
            return handle is None or command(number)[0] == program

    def _written(self) -> int | None:
        with suppress(OSError, ValueError):
            return int(self._id.read_text())
        return None


@contextmanager
def process(number: int) -> Iterator[int | None]:
    """A handle of a running process."""
    try:
        handle = os.pidfd_open(number)
    except ProcessLookupError:
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def command(number: int) -> list[str]:
    """Its command line; one empty word if it has ended."""
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return [""]


def kill(handle: int, name: str) -> None:
    """Returns when it is gone."""
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    if not select.select([handle], [], [], ENDING)[0]:
        raise TimeoutError(f"{name} does not end")
