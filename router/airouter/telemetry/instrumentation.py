"""Spans for the FastAPI application: the endpoints that are not on the hot path.

They come from OpenTelemetry's own instrumentation and an SDK `TracerProvider` that samples like the
rest of the router and hands its spans to the same shipper. Loaded by `otlp_tracing.py` only.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import get_current_span

from airouter.telemetry.conventions import HTTP_DUP, OPT_IN
from airouter.telemetry.http_details import host_of, scheme_of
from airouter.telemetry.redaction import redact_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fastapi import FastAPI
    from opentelemetry.context import Context
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.trace import Link, Span, SpanKind, TraceState
    from opentelemetry.util.types import Attributes

    from airouter.telemetry.sampling import TraceSampler

    Put = Callable[[bytes, int], None]

QUERY_ATTRIBUTES = {"url.query", "url.full", "http.url", "http.target"}
"""Attributes with the query of a request, by the conventions of before 2023 too."""


def instrument(
    app: FastAPI,
    spanned: Iterable[str],
    resource: Resource,
    sampler: Callable[[], TraceSampler],
    put: Put,
) -> None:
    """Give every request of `app` a span, but for the paths in `spanned`."""
    # Without this, the instrumentation writes the names that HTTP attributes had before 2023.
    os.environ[OPT_IN] = with_http(os.environ.get(OPT_IN, ""))
    provider = TracerProvider(
        resource=resource, sampler=SharedSampler(sampler), shutdown_on_exit=False
    )
    provider.add_span_processor(SimpleSpanProcessor(ShippingExporter(put)))
    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=provider,
        meter_provider=NoOpMeterProvider(),
        excluded_urls=",".join(rf"^\w+://[^/]+{re.escape(path)}$" for path in spanned),
        exclude_spans=["receive", "send"],
        server_request_hook=correct,
    )


def with_http(opt_in: str) -> str:
    """Return a list of conventions with those of HTTP in it, the newest unless it says both."""
    asked = [each.strip() for each in opt_in.split(",") if each.strip()]
    return ",".join(asked if {"http", HTTP_DUP} & set(asked) else [*asked, "http"])


def correct(span: Span, scope: dict[str, Any]) -> None:
    """Set right what the instrumentation tells of a request."""
    name_server(span, scope)
    hide_query(span, scope)


def name_server(span: Span, scope: dict[str, Any]) -> None:
    """Take the port out of the server's name, which has an attribute of its own."""
    headers = dict(scope["headers"])
    scheme = scheme_of(headers.get(b"x-forwarded-proto"))
    host, port = host_of(headers.get(b"host"), scheme)
    if host is not None and port is not None:
        span.set_attributes({"server.address": host, "server.port": port})


def hide_query(span: Span, scope: dict[str, Any]) -> None:
    """Take the values out of a request's query: some clients send their key in it."""
    query = scope.get("query_string", b"").decode("latin-1")
    attributes = span.attributes if isinstance(span, ReadableSpan) else None
    if not query or attributes is None:
        return
    for name in QUERY_ATTRIBUTES & attributes.keys():
        target, mark, _ = str(attributes[name]).rpartition("?")
        span.set_attribute(name, target + mark + redact_query(query))


class ShippingExporter(SpanExporter):
    """Puts the SDK's spans into the shipper of ours."""

    def __init__(self, put: Put) -> None:
        self._put = put

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._put(encode_spans(spans).SerializeToString(), len(spans))
        return SpanExportResult.SUCCESS


class SharedSampler(Sampler):
    """Samples as the router does at that moment."""

    def __init__(self, sampler: Callable[[], TraceSampler]) -> None:
        self._sampler = sampler

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,  # noqa: ARG002
        kind: SpanKind | None = None,  # noqa: ARG002
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,  # noqa: ARG002
        trace_state: TraceState | None = None,  # noqa: ARG002
    ) -> SamplingResult:
        parent = get_current_span(parent_context).get_span_context()
        decided = bool(parent.trace_flags.sampled) if parent.is_valid else None
        if self._sampler().takes(trace_id, decided):
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, parent.trace_state)
        return SamplingResult(Decision.DROP, None, parent.trace_state)

    def get_description(self) -> str:
        return "airouter"
