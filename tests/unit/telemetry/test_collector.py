"""Spans that arrive at a collector, over HTTP and over gRPC."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI

from airouter.config.snapshot import Snapshot, Traces
from airouter.telemetry.tracing import Tracing, open_tracing
from support.http_client import http_client
from support.otlp_sink import Sink, grpc_sink, http_sink
from support.records import PARENT_ID, TRACE_ID, an_answered_record

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from airouter.telemetry.record import RequestRecord

SOON = 5.0
CLIENT = f"00-{TRACE_ID}-{PARENT_ID}-01".encode()

Open = Callable[[], AbstractContextManager[Sink]]
EITHER = pytest.mark.parametrize(
    ("open_sink", "protocol"), [(http_sink, "http/protobuf"), (grpc_sink, "grpc")]
)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def open_with(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Tracing:
    for name, value in variables.items():
        monkeypatch.setenv(f"OTEL_{name}", value)
    return open_tracing(os.environ, {})


def serve(tracing: Tracing, headers: dict[bytes, bytes]) -> RequestRecord:
    """What the pipeline does for a request."""
    record = an_answered_record()
    record.trace = tracing.begin(headers)
    record.attempts[0].span_id = tracing.span_id()
    tracing.consume([record])
    return record


def by_kind(sink: Sink) -> tuple[Span, Span]:
    request, attempt = sorted(sink.spans, key=lambda span: span.kind)
    return request, attempt


@EITHER
def test_spans_arrive_as_a_tree(
    monkeypatch: pytest.MonkeyPatch, open_sink: Open, protocol: str
) -> None:
    with open_sink() as sink:
        tracing = open_with(
            monkeypatch,
            EXPORTER_OTLP_ENDPOINT=sink.endpoint,
            EXPORTER_OTLP_PROTOCOL=protocol,
            EXPORTER_OTLP_HEADERS="x-tenant=team-a",
            SERVICE_NAME="router",
        )
        record = serve(tracing, {b"traceparent": CLIENT})
        tracing.close(SOON)
    assert record.trace is not None
    request, attempt = by_kind(sink)
    assert request.trace_id.hex() == attempt.trace_id.hex() == TRACE_ID
    assert request.parent_span_id.hex() == PARENT_ID
    assert request.span_id.hex() == record.trace.span_id
    assert attempt.parent_span_id.hex() == record.trace.span_id
    assert attempt.span_id.hex() == record.attempts[0].span_id
    assert sink.headers[0]["x-tenant"] == "team-a"
    assert "router" in {each.value.string_value for each in sink.resource.attributes}
    assert tracing.dropped == 0


@EITHER
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_spans_arrive_compressed_or_not(
    monkeypatch: pytest.MonkeyPatch, open_sink: Open, protocol: str, compression: str
) -> None:
    with open_sink() as sink:
        tracing = open_with(
            monkeypatch,
            EXPORTER_OTLP_ENDPOINT=sink.endpoint,
            EXPORTER_OTLP_PROTOCOL=protocol,
            EXPORTER_OTLP_COMPRESSION=compression,
        )
        serve(tracing, {})
        tracing.close(SOON)
    assert len(sink.spans) == 2


def test_an_endpoint_for_traces_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink() as sink:
        tracing = open_with(
            monkeypatch, EXPORTER_OTLP_TRACES_ENDPOINT=f"{sink.endpoint}/custom/path"
        )
        serve(tracing, {})
        tracing.close(SOON)
    assert len(sink.spans) == 2


@EITHER
def test_spans_for_nobody_are_counted(
    monkeypatch: pytest.MonkeyPatch, open_sink: Open, protocol: str
) -> None:
    with open_sink() as sink:
        pass
    tracing = open_with(
        monkeypatch,
        EXPORTER_OTLP_ENDPOINT=sink.endpoint,
        EXPORTER_OTLP_PROTOCOL=protocol,
        EXPORTER_OTLP_TIMEOUT="0.1",
    )
    serve(tracing, {})
    tracing.close(SOON)
    assert tracing.dropped == 2


def test_spans_that_a_collector_refuses_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink() as sink:
        sink.statuses = [400]
        tracing = open_with(monkeypatch, EXPORTER_OTLP_ENDPOINT=sink.endpoint)
        serve(tracing, {})
        tracing.close(SOON)
    assert tracing.dropped == 2


def test_a_busy_collector_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink() as sink:
        sink.statuses = [503]
        tracing = open_with(monkeypatch, EXPORTER_OTLP_ENDPOINT=sink.endpoint)
        serve(tracing, {})
        tracing.close(SOON)
    assert len(sink.spans) == 2
    assert tracing.dropped == 0


async def ask(app: FastAPI, path: str, headers: dict[str, str] | None = None) -> None:
    transport = httpx.ASGITransport(app)
    async with http_client(transport=transport, base_url="http://router") as client:
        assert (await client.get(path, headers=headers)).status_code == 200


def an_application() -> FastAPI:
    app = FastAPI()

    @app.get("/v1/models")
    @app.get("/health")
    async def answer() -> str:
        return "yes"

    return app


async def test_the_application_is_traced_in_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink() as sink:
        tracing, app = (
            open_with(monkeypatch, EXPORTER_OTLP_ENDPOINT=sink.endpoint),
            an_application(),
        )
        tracing.instrument(app, ["/health"])
        await ask(app, "/v1/models", {"traceparent": CLIENT.decode()})
        tracing.close(SOON)
    (span,) = sink.spans
    assert span.name == "GET /v1/models"
    assert span.parent_span_id.hex() == PARENT_ID
    assert "http.request.method" in {each.key for each in span.attributes}
    assert "airouter" in {each.value.string_value for each in sink.resource.attributes}


async def test_paths_with_spans_of_their_own_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with http_sink() as sink:
        tracing, app = (
            open_with(monkeypatch, EXPORTER_OTLP_ENDPOINT=sink.endpoint),
            an_application(),
        )
        tracing.instrument(app, ["/health"])
        await ask(app, "/health")
        tracing.close(SOON)
    assert sink.spans == []


async def test_the_application_is_sampled_as_requests_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink() as sink:
        tracing, app = (
            open_with(monkeypatch, EXPORTER_OTLP_ENDPOINT=sink.endpoint),
            an_application(),
        )
        tracing.instrument(app, [])
        tracing.reload(Snapshot(traces=Traces(sample_ratio=0.0)))
        await ask(app, "/v1/models")
        tracing.close(SOON)
    assert sink.spans == []
