"""The process log and the access log, pushed to a collector by OTLP.

The SDK batches, bounds and sends; what looks like a secret is taken out as for standard error. A
line of the access log is an event, `airouter.request`, in the trace of its request.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import msgspec
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from airouter.telemetry.access import entry_of
from airouter.telemetry.collector import GRPC, SCOPE, protocol_of, resource_of
from airouter.telemetry.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.resources import Resource

    from airouter.telemetry.record import RequestRecord, Trace

PROTOCOLS = ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
EVENT = "airouter.request"
LAST_EXPORT = 5_000
"""Milliseconds for the last export of a process."""
LONGEST_TEXT = 16_384
"""Characters of one text."""
SEVERITIES = (
    (logging.CRITICAL, SeverityNumber.FATAL),
    (logging.ERROR, SeverityNumber.ERROR),
    (logging.WARNING, SeverityNumber.WARN),
    (logging.INFO, SeverityNumber.INFO),
)


class OtlpLogs:
    """Both logs on their way to a collector."""

    def __init__(self, exporter: LogRecordExporter, resource: Resource) -> None:
        self._provider = LoggerProvider(resource, shutdown_on_exit=False)
        self._exporter = exporter
        self._batches = BatchLogRecordProcessor(exporter)
        self._provider.add_log_record_processor(self._batches)
        self.access = OtlpAccessLog(self._provider)
        self._handler = OtlpHandler(self._provider)
        logging.getLogger().addHandler(self._handler)

    def close(self) -> None:
        """Send what waits, blocking for some seconds at most, and close."""
        logging.getLogger().removeHandler(self._handler)
        self._batches.force_flush(LAST_EXPORT)
        # First, as it ends the retries that the next would wait for.
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # it has no annotations
        self._provider.shutdown()


class OtlpAccessLog:
    """A consumer of records."""

    def __init__(self, provider: LoggerProvider) -> None:
        self._logger = provider.get_logger(SCOPE.name, SCOPE.version)

    def consume(self, records: list[RequestRecord]) -> None:
        epoch = time.time() - time.monotonic()
        for record in records:
            fields = msgspec.structs.asdict(entry_of(record, epoch))
            at = fields.pop("time")
            self._logger.emit(
                LogRecord(
                    timestamp=int(at.timestamp() * 1e9),
                    severity_number=SeverityNumber.INFO,
                    event_name=EVENT,
                    attributes={name: each for name, each in fields.items() if each is not None},
                    context=Context() if record.trace is None else context_of_trace(record.trace),
                )
            )


class OtlpHandler(logging.Handler):
    """Sends lines of the process log, but for those about the sending itself."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._logger = provider.get_logger(SCOPE.name, SCOPE.version)

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("opentelemetry"):
            return
        attributes = {"logger": record.name}
        if record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info)
            attributes["exception.stacktrace"] = redact(trace)[:LONGEST_TEXT]
        self._logger.emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                severity_text=record.levelname,
                severity_number=log_severity(record.levelno),
                body=redact(record.getMessage())[:LONGEST_TEXT],
                attributes=attributes,
                context=Context(),
            )
        )


def log_severity(level: int) -> SeverityNumber:
    """Return the severity of a level."""
    return next((found for least, found in SEVERITIES if level >= least), SeverityNumber.DEBUG)


def context_of_trace(trace: Trace) -> Context:
    """Return the context of a request's span."""
    span = SpanContext(
        int(trace.trace_id, 16),
        int(trace.span_id, 16),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(span), Context())


def open_logs(environ: Mapping[str, str]) -> OtlpLogs:
    """Open the logs that the OTEL_* variables describe."""
    exporter: LogRecordExporter
    if protocol_of(environ, PROTOCOLS) == GRPC:
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import (  # noqa: PLC0415 - slow
            OTLPLogExporter as GrpcExporter,
        )

        exporter = GrpcExporter()
    else:
        from opentelemetry.exporter.otlp.proto.http._log_exporter import (  # noqa: PLC0415 - slow
            OTLPLogExporter as HttpExporter,
        )

        exporter = HttpExporter()
    return OtlpLogs(exporter, resource_of())
