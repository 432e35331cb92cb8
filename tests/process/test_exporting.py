"""Metrics and logs that a router process pushes to a collector on loopback."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from support.config import MASTER_KEY, mock_manifest
from support.http_client import http_client
from support.otlp_sink import Sink, http_sink
from support.router import router_process

HEADERS = {"authorization": f"Bearer {MASTER_KEY}"}
BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


async def pushed(folder: Path, sink: Sink, **environ: str) -> None:
    """Serve one chat, and end."""
    path = folder / "router.yaml"
    path.write_text(mock_manifest("m"))
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint}
    async with router_process(folder, "-f", str(path), **endpoint, **environ) as router:
        async with http_client(base_url=router.base_url, headers=HEADERS) as client:
            assert (await client.post("/chat/completions", json=BODY)).status_code == 200
        router.signal(signal.SIGTERM)
        assert await router.wait() == 0


def metrics_in(sink: Sink) -> dict[str, Metric]:
    """The metrics of the last push, by name."""
    request = ExportMetricsServiceRequest.FromString(sink.bodies["/v1/metrics"][-1])
    (resource,) = request.resource_metrics
    return {metric.name: metric for metric in resource.scope_metrics[0].metrics}


def logs_in(sink: Sink) -> list[LogRecord]:
    """All log records."""
    return [
        record
        for body in sink.bodies["/v1/logs"]
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


async def test_metrics_are_pushed_by_their_names(tmp_path: Path) -> None:
    with http_sink() as sink:
        await pushed(tmp_path, sink, OTEL_METRICS_EXPORTER="otlp")
    metrics = metrics_in(sink)
    (requests,) = metrics["airouter_requests_total"].sum.data_points
    assert requests.as_double == 1.0
    assert {each.key: each.value.string_value for each in requests.attributes} == {
        "model": "m",
        "credential": "mock",
        "status": "200",
        "stream": "false",
        "operation": "chat",
    }
    (took,) = metrics["airouter_request_duration_seconds"].histogram.data_points
    assert (took.count, sum(took.bucket_counts), len(took.bucket_counts)) == (1, 1, 17)
    assert len(took.explicit_bounds) == 16
    assert not took.HasField("min")
    assert metrics["airouter_build_info"].gauge.data_points[0].as_double == 1.0


async def test_both_logs_are_pushed(tmp_path: Path) -> None:
    with http_sink() as sink:
        await pushed(tmp_path, sink, OTEL_LOGS_EXPORTER="otlp")
    (event,) = [each for each in logs_in(sink) if each.event_name == "airouter.request"]
    values = {each.key: each.value for each in event.attributes}
    assert values["model"].string_value == "m"
    assert values["status"].int_value == 200
    assert event.trace_id.hex() == values["trace_id"].string_value
    assert any("listening on" in each.body.string_value for each in logs_in(sink))


@pytest.mark.parametrize("name", ["OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"])
async def test_an_endpoint_alone_pushes_spans_alone(tmp_path: Path, name: str) -> None:
    with http_sink() as sink:
        await pushed(tmp_path, sink, **{name: "none"})
    assert set(sink.bodies) == {"/v1/traces"}
