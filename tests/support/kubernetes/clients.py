"""kubectl and helm for tests: as whom a kubeconfig says, and without a person's preferences."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path


class CommandFailed(RuntimeError):
    """What kubectl or helm wrote to standard error."""


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
    """What it writes to standard output."""
    done = subprocess.run(
        [program, *arguments],
        input=standard_input,
        env=environment(kubeconfig, home),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if check and done.returncode:
        raise CommandFailed(f"{program.name} {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def environment(kubeconfig: Path, home: Path) -> dict[str, str]:
    """A home of its own: no cache and no preferences of the person who runs the tests."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(home),
        "KUBECONFIG": str(kubeconfig),
    }
