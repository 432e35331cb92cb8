"""The process: it runs a router on what it is told to, until a signal has come.

`app.py` has the router; where its snapshots come from is decided here.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

import uvloop

from airouter.app import Router
from airouter.config import builtin
from airouter.config.builtin import compile_builtin
from airouter.server.open_files import allow_many_files
from airouter.settings import mistyped
from airouter.sources.manifests import ManifestSource
from airouter.sources.mounted import MountedSource
from airouter.telemetry import logs
from airouter.tuning import tune_collector, tune_heap, tune_threads
from airouter.welcome import welcome

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from airouter.settings import Settings

    Following = Coroutine[None, None, None]

logger = logging.getLogger("airouter.server")


def serve(settings: Settings, files: list[Path], snapshot_dir: Path | None) -> int:
    """Run a router on files, on a mounted snapshot, or on built-in mock models.

    Returns the exit code.
    """
    logs.configure(settings.log_level, sys.stderr)
    for name, meant in mistyped(os.environ):
        logger.warning("%s sets nothing (fix: use %s)", name, meant)
    allow_many_files()
    tune_heap()
    tune_threads()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(settings, files, snapshot_dir))
    return 0


async def run(settings: Settings, files: list[Path], snapshot_dir: Path | None) -> None:
    """Load, serve, follow changes, until a signal has come and all is drained."""
    router = Router(settings)
    greeting = announce
    if snapshot_dir is not None:
        following = follow_operator(router, snapshot_dir)
    elif files:
        following = follow_files(router, files)
    else:
        router.store.offer(compile_builtin(), builtin.NAME)
        following, greeting = [], greet
    tune_collector()
    watching = [asyncio.create_task(each) for each in following]
    try:
        await router.serve(partial(greeting, settings.host))
    finally:
        for task in watching:
            task.cancel()


def follow_files(router: Router, files: list[Path]) -> list[Following]:
    """Load files; what is returned follows their changes."""
    source = ManifestSource(files, router.store)
    source.load()
    return [source.watch()]


def follow_operator(router: Router, folder: Path) -> list[Following]:
    """Load a mounted snapshot; what is returned follows the folder and the operator's stream."""
    from airouter.limits.ledger.operator import OperatorLedger  # noqa: PLC0415 - only here
    from airouter.reporting.reporter import KeyUseReporter  # noqa: PLC0415
    from airouter.sources.stream import StreamSource  # noqa: PLC0415

    router.streaming = streaming = StreamSource(router.store, router.settings.pod_name)
    router.shared_limits.operator = ledger = OperatorLedger()
    router.reporter = reporter = KeyUseReporter(
        router.settings.pod_name, router.shared_limits, lambda: router.snapshot
    )
    router.recorder.add_consumer(reporter)
    told = (streaming.follow, ledger.follow, router.shared_bans.follow, reporter.follow)
    mounted = MountedSource(folder, router.store, *told)
    mounted.look()
    return [mounted.watch(), streaming.run()]


def announce(host: str, port: int) -> None:
    """Say where the router listens."""
    logger.info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)


def greet(host: str, port: int) -> None:
    """Say where the mock models are, and how to call them."""
    announce(host, port)
    sys.stderr.write(welcome(host, port, builtin.MASTER_KEY, "mock-echo"))
    sys.stderr.flush()
