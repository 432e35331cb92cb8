"""Runs a command that must not outlive the test run: kills it when standard input ends.

The operating system closes that pipe however the test run ends, also by SIGKILL, which `atexit`
would miss. Linux's "parent death signal" will not do: it goes off when the *thread* that started a
process ends, such as one of `asyncio.to_thread`. `processes.py` starts this file by its path.
"""

import os
import subprocess
import sys
import threading

child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)


def kill_at_the_end() -> None:
    """Wait for the end of standard input."""
    while os.read(0, 4096):
        pass
    child.kill()


threading.Thread(target=kill_at_the_end, daemon=True).start()
sys.exit(abs(child.wait()))
