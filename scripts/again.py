"""Run pytest, and at most three tests that failed once more, alone.

`python scripts/again.py LIST COMMAND...`: what passes the second time is printed, and added to the
file LIST, as "unsteady: ..."; whatever else happens fails as COMMAND does, which runs all its tests
(no `-x`). With this the gate bears one unsteady test of thousands, and does not hide it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

MOST = 3
TESTS_FAILED = 1  # what pytest ends with for this, and for nothing worse


def main(unsteady: Path, command: list[str]) -> int:
    """Run the command, and what failed of it once more. Returns the exit code."""
    # Ctrl-C is for pytest, which takes down what its tests have started.
    signal.signal(signal.SIGINT, lambda *_: None)
    with TemporaryDirectory() as cache:
        command = [*command, "-o", f"cache_dir={cache}"]
        code = subprocess.call(command)
        failed = failures(cache)
        if code != TESTS_FAILED or not are_few_tests(failed):
            return code
        print(f"== once more, alone: {' '.join(failed)}", flush=True)
        once_more = ["-n0", "--last-failed", "--last-failed-no-failures=none"]
        code = subprocess.call([*command, *once_more])
        # One that is not found again has neither failed nor passed.
        if code or failures(cache):
            return code or TESTS_FAILED
    with unsteady.open("a", encoding="utf-8") as file:
        for name in failed:
            print(f"unsteady: {name}", flush=True)
            print(f"unsteady: {name}", file=file)
    return 0


def failures(cache: str) -> list[str]:
    """Return the names that pytest keeps: of tests that failed, of files that it could not read."""
    kept = Path(cache, "v", "cache", "lastfailed")
    return list(json.loads(kept.read_text("utf-8"))) if kept.exists() else []


def are_few_tests(failed: list[str]) -> bool:
    """Return whether these are tests, not files that could not be read, and few of them."""
    return 0 < len(failed) <= MOST and all("::" in name for name in failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
