"""Scrapes of /metrics, rendered beside the event loop: many clients make a long page."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airouter.telemetry.metrics.exposition import Metrics
    from airouter.telemetry.recorder import Recorder

Page = tuple[bytes, str]
"""The metrics, and their content type."""


class Scraping:
    """Renders one page at a time. Whoever asks while it is not begun yet gets the same one."""

    def __init__(self, metrics: Metrics, recorder: Recorder) -> None:
        self._metrics = metrics
        self._recorder = recorder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scraping")
        self._turn = asyncio.Lock()
        self._next: dict[str, asyncio.Task[Page]] = {}
        """The pages that are not begun, by what is accepted."""

    async def page(self, accept: str) -> Page:
        """Return a page of all that is known now."""
        accept = "application/openmetrics-text" if "openmetrics" in accept else ""
        page = self._next.get(accept)
        if page is None:
            page = self._next[accept] = asyncio.create_task(self._page(accept))
        return await asyncio.shield(page)

    async def _page(self, accept: str) -> Page:
        async with self._turn:
            del self._next[accept]
            self._recorder.flush()
            await self._metrics.look()
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._metrics.rendering(accept))

    def close(self) -> None:
        """Let the thread end, once its work is done."""
        self._thread.shutdown(wait=False)
