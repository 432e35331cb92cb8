"""Memory of large bodies goes back to the machine."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

BODIES = 8
MIB = 1_048_576
SCRIPT = """
import sys
from pathlib import Path
from airouter.tuning import tune_heap

def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

tune_heap()
bytearray(b"x" * size)  # whose end teaches the C library to keep what is as large
before = resident()
kept, bodies = [], []
for _ in range(bodies_at_once):
    bodies.append(b"x" * size)
    kept.append(bytearray(4096))  # what lives longer than the body before it
bodies.clear()
print(resident() - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="this is not glibc")
def test_bodies_leave_no_holes_behind_in_the_heap() -> None:
    script = f"size, bodies_at_once = {30 * MIB}, {BODIES}\n{SCRIPT}"
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(ran.stdout) < 8 * MIB
