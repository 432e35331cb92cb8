"""Commands that end, and kubectl and helm in particular: as whom a kubeconfig says, and without the
preferences of the person who runs the tests.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

TAIL = 4000


class CommandFailed(RuntimeError):
    """The command, and the end of what it wrote to standard error."""


def output(
    *command: str | Path,
    timeout: float,
    environment: Mapping[str, str] | None = None,
    standard_input: str | None = None,
    check: bool = True,
) -> str:
    """What a command writes to standard output."""
    words = " ".join([Path(command[0]).name, *map(str, command[1:])])
    try:
        done = subprocess.run(
            command,
            input=standard_input,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise CommandFailed(f"{words}: not done in {timeout} s") from late
    if check and done.returncode:
        raise CommandFailed(f"{words}: {done.stderr.strip()[-TAIL:]}")
    return done.stdout


def run(
    program: Path,
    arguments: Sequence[str],
    *,
    kubeconfig: Path,
    home: Path,
    standard_input: str | None = None,
    check: bool = True,
    timeout: float,
) -> str:
    """What kubectl or helm writes to standard output."""
    return output(
        program,
        *arguments,
        timeout=timeout,
        environment=_environment(kubeconfig, home),
        standard_input=standard_input,
        check=check,
    )


def _environment(kubeconfig: Path, home: Path) -> dict[str, str]:
    """A home of its own: no cache and no preferences of a person."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(home),
        "KUBECONFIG": str(kubeconfig),
    }
