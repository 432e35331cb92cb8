"""What is left to the garbage collector: objects of the router that a reference cycle keeps."""

from __future__ import annotations

import contextlib
import gc
import traceback
from collections import Counter
from collections.abc import Iterator
from types import CoroutineType, FrameType, FunctionType, GeneratorType, TracebackType

OURS = "/airouter/"


@contextlib.contextmanager
def garbage() -> Iterator[Counter[str]]:
    """Count, at its end, the objects of the router that were left in reference cycles meanwhile."""
    found: Counter[str] = Counter()
    gc.collect()
    gc.freeze()  # what is there already need not be looked at, now and by the next one
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found.update(name for each in gc.garbage if (name := name_of(each)))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def name_of(found: object) -> str:
    """Return the name of an object of the router; nothing for any other."""
    frame: FrameType | None = None
    match found:
        case FrameType():
            frame = found
        case TracebackType():
            frame = found.tb_frame
        case CoroutineType():
            frame = found.cr_frame
        case GeneratorType():
            frame = found.gi_frame
        case FunctionType():
            return found.__qualname__ if found.__module__.startswith("airouter.") else ""
        case BaseException():
            steps = traceback.extract_tb(found.__traceback__)
            return type(found).__name__ if any(OURS in step.filename for step in steps) else ""
    if frame is not None:
        return frame.f_code.co_qualname if OURS in frame.f_code.co_filename else ""
    kind = type(found)
    return kind.__qualname__ if kind.__module__.startswith("airouter.") else ""
