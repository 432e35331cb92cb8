"""Metrics and logs by OTLP, beside `/metrics` and the two streams, where the environment asks.

OTEL_METRICS_EXPORTER=otlp and OTEL_LOGS_EXPORTER=otlp switch either on; neither is on for an
endpoint alone, which is most often meant for traces. Nothing of OpenTelemetry is loaded without.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from airouter.telemetry.metrics.exposition import Metrics
    from airouter.telemetry.recorder import Recorder

METRICS, LOGS = "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"


@asynccontextmanager
async def exporting(
    environ: Mapping[str, str], metrics: Metrics, recorder: Recorder
) -> AsyncIterator[None]:
    """Export what the environment asks for, until the end of the context."""
    async with AsyncExitStack() as stack:
        if wants(environ, METRICS):
            from airouter.telemetry.otlp_metrics import open_export  # noqa: PLC0415 - off costs nothing

            export = open_export(environ, metrics, recorder)
            task = asyncio.create_task(export.run())
            stack.push_async_callback(export.close)
            stack.callback(task.cancel)
        if wants(environ, LOGS):
            from airouter.telemetry.otlp_logs import open_logs  # noqa: PLC0415 - off costs nothing

            logs = open_logs(environ)
            recorder.add_consumer(logs.access)
            stack.push_async_callback(asyncio.to_thread, logs.close)
            stack.callback(recorder.flush)
        yield


def wants(environ: Mapping[str, str], name: str) -> bool:
    """Return whether a variable asks for OTLP, and nothing forbids it."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    return "otlp" in environ.get(name, "").replace(" ", "").lower().split(",")
