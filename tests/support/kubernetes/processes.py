"""Long-running programs for tests: guarded, logged, and waited for by what they answer."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

GUARD = Path(__file__).with_name("guard.py")
PATIENCE = ENDING = 120.0
"""Seconds; what hangs still ends its test."""
TAIL = 4000


class NotReady(RuntimeError):
    """A program that ended or did not answer in time, with the end of its log."""


class Running:
    """A program that may end by itself, and its log."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log

    def ended(self) -> bool:
        raise NotImplementedError

    def until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until it is ready, unless it ends."""
        try:
            until(lambda: self.ended() or ready(), seconds)
        except TimeoutError as late:
            raise NotReady(f"{self.name} was not ready in {seconds} s:\n{self.tail()}") from late
        if self.ended():
            raise NotReady(f"{self.name} ended:\n{self.tail()}")

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-TAIL:]


class Process(Running):
    """A running program; it ends with `stop` or with the test run, whichever comes first."""

    def __init__(self, program: Path, options: Sequence[str], log: Path) -> None:
        super().__init__(program.name, log)
        with log.open("ab") as output:
            # Ctrl-C is for the test run alone, which then stops its programs in order.
            self._guard = subprocess.Popen(
                [sys.executable, "-IS", GUARD, program, *options],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Kill it at once, as a crash would, and wait until it is gone."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait(ENDING)

    def ended(self) -> bool:
        return self._guard.poll() is not None


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Poll until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.02)
