"""The garbage, the heap and the threads of a process that serves."""

from __future__ import annotations

import ctypes
import gc
import sys

COLLECT_AFTER = 50_000
"""Allocations between collections of young objects: a request leaves hardly any cycle behind."""
SWITCH_EVERY = 0.0005
"""Seconds after which a thread gives way. The event loop waits so long after each of its calls."""
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3)."""
APART = 524_288
"""Bytes from which on memory is of its own, and given back when it is freed."""


def tune_collector() -> None:
    """Spare what was made at start-up from every later search for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 4, 250)  # the second takes 20 ms, which others wait


def tune_heap() -> None:
    """Have the memory of large bodies given back, where the C library is glibc.

    Left alone, it learns from the first large body that is freed to keep those that follow in the
    heap, whose holes stay with the process.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, APART)
        mallopt(TRIM_THRESHOLD, APART)


def trim_heap() -> None:
    """Give back what is free in the middle of the heap, where the C library is glibc.

    Takes some milliseconds, in which the thread does not hold the interpreter.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def tune_threads() -> None:
    """Have work beside the event loop give way to it at once."""
    sys.setswitchinterval(SWITCH_EVERY)
