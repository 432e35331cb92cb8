"""Tasks that run for as long as the operator: one that ends is a problem of the process."""

from __future__ import annotations

import asyncio
import logging
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine

logger = logging.getLogger("airouter.operator")


class BackgroundTasks:
    """The tasks of one process."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, work: Coroutine[None, None, None]) -> None:
        """Run something until the process ends."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(log_end)
        self._tasks.append(task)

    async def stop(self) -> None:
        """Cancel all tasks, and wait for their end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def have_started(self) -> bool:
        """Return whether there are any tasks yet."""
        return bool(self._tasks)

    def problems(self) -> list[str]:
        """Return a sentence for each task that has ended."""
        return [f"task {task.get_name()} has ended" for task in self._tasks if task.done()]


def log_end(task: asyncio.Task[None]) -> None:
    """Log the failure by which a task has ended."""
    if not task.cancelled() and (error := task.exception()) is not None:
        # The message may quote a Secret; the type and the place do not.
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        logger.error("task %s has ended: %s at %s", task.get_name(), type(error).__name__, where)
