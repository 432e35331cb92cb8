"""Spans to a collector over HTTP; see `collector.py`."""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter


class HttpCollector(OTLPSpanExporter):
    """The SDK's exporter for spans that are encoded already."""

    def send(self, data: bytes) -> bool:
        """Deliver an ExportTraceServiceRequest, with retries; False when it is lost."""
        return self._client.export(data).success
