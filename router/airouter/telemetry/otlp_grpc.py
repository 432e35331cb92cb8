"""Spans to a collector over gRPC; see `collector.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grpc import Compression
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SpanExportResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk.trace import ReadableSpan


COMPRESSIONS = ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION")


class GrpcCollector(OTLPSpanExporter):
    """The SDK's exporter for spans that are encoded already."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(compression=compression_of(environ))
        self._encoded = ExportTraceServiceRequest()

    def send(self, data: bytes) -> bool:
        """Deliver an ExportTraceServiceRequest, with retries; False when it is lost."""
        # `export` brings the retries. It gets no spans; `_translate_data` puts the encoded ones in.
        self._encoded = ExportTraceServiceRequest.FromString(data)
        return self.export(()) is SpanExportResult.SUCCESS

    def _translate_data(self, data: Sequence[ReadableSpan]) -> ExportTraceServiceRequest:  # noqa: ARG002
        """Return the encoded spans in place of those that the SDK would encode."""
        return self._encoded


def compression_of(environ: Mapping[str, str]) -> Compression | None:
    """Return the compression; None for `none`, a value that the exporter does not know."""
    asked = next((environ[name] for name in COMPRESSIONS if environ.get(name)), "")
    return Compression.NoCompression if asked.strip().lower() == "none" else None
