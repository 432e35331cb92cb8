"""The collector of spans and the resource that sends them, as the OTEL_* variables say.

The SDK reads the variables: its resource says who we are, its exporters know endpoints, headers,
certificates, compression, timeouts and retries. Ours are these exporters with one difference, that
what they send is encoded already; `otlp_http.py` and `otlp_grpc.py` hold one each, because either
takes a tenth of a second to import.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import (
    SERVICE_NAME,
    SERVICE_VERSION,
    OTELResourceDetector,
    Resource,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import INVALID_SPAN_CONTEXT

from airouter import __version__
from airouter.telemetry.otlp import Envelope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

logger = logging.getLogger("airouter.telemetry")

PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HTTP = "http/protobuf"
GRPC = "grpc"

SCOPE = InstrumentationScope("airouter", __version__)


class Collector(Protocol):
    """Takes encoded spans."""

    def send(self, data: bytes) -> bool:
        """Deliver an ExportTraceServiceRequest, with retries; False when it is lost."""
        ...

    def shutdown(self) -> None:
        """Abort the export under way, and close."""
        ...


def open_collector(environ: Mapping[str, str]) -> Collector:
    """Return the exporter for the configured protocol."""
    if protocol_of(environ) == GRPC:
        from airouter.telemetry.otlp_grpc import GrpcCollector  # noqa: PLC0415 - see above

        return GrpcCollector(environ)
    from airouter.telemetry.otlp_http import HttpCollector  # noqa: PLC0415 - see above

    return HttpCollector()


def protocol_of(environ: Mapping[str, str], names: Sequence[str] = PROTOCOLS) -> str:
    """Return the configured protocol; HTTP by default, as the specification has it."""
    name = next((name for name in names if environ.get(name)), "")
    asked = environ.get(name, HTTP).strip().lower()
    if asked not in {HTTP, GRPC}:
        fix = f"use {HTTP} or {GRPC}"
        logger.warning("%s=%s is not supported; using %s (fix: %s)", name, asked, HTTP, fix)
        return HTTP
    return asked


def resource_of() -> Resource:
    """Return the resource of OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, over our defaults."""
    ours = Resource({SERVICE_NAME: "airouter", SERVICE_VERSION: __version__})
    given = OTELResourceDetector().detect()
    return Resource.create(ours.merge(given).attributes)


def envelope_of(resource: Resource) -> Envelope:
    """Encode the resource and our scope by the SDK, which knows all types of attributes."""
    empty = ReadableSpan(
        "", context=INVALID_SPAN_CONTEXT, resource=resource, instrumentation_scope=SCOPE
    )
    around = encode_spans([empty]).resource_spans[0]
    scope = around.scope_spans[0]
    del scope.spans[:]
    scope_fields = scope.SerializeToString()
    del around.scope_spans[:]
    return Envelope(around.SerializeToString(), scope_fields)
