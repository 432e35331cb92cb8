"""Traces on the hot path, and on their way to a collector."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from airouter.config.snapshot import Credential, Snapshot, Traces
from airouter.providers.registry import load_providers
from airouter.telemetry.collector import GRPC, HTTP, protocol_of, resource_of
from airouter.telemetry.otlp_tracing import RECORDS_PER_PIECE, OtlpTracing
from airouter.telemetry.propagation import W3CPropagation
from airouter.telemetry.sampling import ALL, NONE, TraceSampler
from support.records import PARENT_ID, TRACE_ID, a_traced_record, an_answered_record

if TYPE_CHECKING:
    from collections.abc import Iterator

SOON = 5.0
SAMPLED = {b"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01".encode(), b"tracestate": b"a=b"}
UNSAMPLED = {b"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-00".encode()}


class Memory:
    """A collector that keeps what it gets."""

    def __init__(self) -> None:
        self.got = b""
        self.open = True

    def send(self, data: bytes) -> bool:
        self.got += data
        return True

    def shutdown(self) -> None:
        self.open = False

    @property
    def request(self) -> ExportTraceServiceRequest:
        return ExportTraceServiceRequest.FromString(self.got)


@pytest.fixture
def collector() -> Memory:
    return Memory()


@pytest.fixture
def tracing(collector: Memory) -> Iterator[OtlpTracing]:
    tracing = open_with(collector, TraceSampler(ALL, parent_based=True))
    yield tracing
    tracing.close(SOON)


def open_with(collector: Memory, sampling: TraceSampler) -> OtlpTracing:
    return OtlpTracing(
        collector,
        resource_of(),
        sampling,
        load_providers(),
        W3CPropagation(),
        random=Random(1),
        wall=lambda: 1_735_689_600_000_000_000,
        monotonic=lambda: 0,
    )


def test_a_request_without_a_parent_begins_a_trace(tracing: OtlpTracing) -> None:
    first, second = tracing.begin({}), tracing.begin({})
    assert first is not None
    assert second is not None
    assert (len(first.trace_id), len(first.span_id), first.parent_id) == (32, 16, "")
    assert first.trace_id != second.trace_id


def test_a_request_continues_its_clients_trace(tracing: OtlpTracing) -> None:
    trace = tracing.begin(SAMPLED)
    assert trace is not None
    assert (trace.trace_id, trace.parent_id, trace.tracestate) == (TRACE_ID, PARENT_ID, "a=b")
    assert trace.span_id != PARENT_ID


def test_an_invalid_parent_means_a_new_trace(tracing: OtlpTracing) -> None:
    trace = tracing.begin({b"traceparent": b"00-nonsense", b"tracestate": b"a=b"})
    assert trace is not None
    assert (trace.parent_id, trace.tracestate) == ("", "")


def test_the_provider_is_told_of_the_attempt(tracing: OtlpTracing) -> None:
    trace, span_id = tracing.begin(SAMPLED), tracing.span_id()
    lines = tracing.propagate(SAMPLED, trace, span_id)
    expected = f"traceparent: 00-{TRACE_ID}-{span_id}-01\r\ntracestate: a=b\r\n"
    assert lines.decode() == expected


def test_who_is_not_sampled_is_not_traced_and_stays_unsampled(tracing: OtlpTracing) -> None:
    trace = tracing.begin(UNSAMPLED)
    assert trace is None
    lines = tracing.propagate(UNSAMPLED, trace, tracing.span_id())
    assert lines == b"traceparent: " + UNSAMPLED[b"traceparent"] + b"\r\n"


def test_nobody_is_sampled_by_a_sampler_that_is_off(collector: Memory) -> None:
    tracing = open_with(collector, TraceSampler(NONE, parent_based=True))
    assert tracing.begin({}) is None
    assert tracing.begin(SAMPLED) is not None
    tracing.close(SOON)


def test_a_configuration_sets_the_share_and_gives_it_back(tracing: OtlpTracing) -> None:
    tracing.reload(Snapshot(traces=Traces(sample_ratio=0.0)))
    assert tracing.begin({}) is None
    tracing.reload(Snapshot(traces=Traces(sample_ratio=None)))
    assert tracing.begin({}) is not None


def test_a_configuration_says_who_is_behind_a_credential(
    tracing: OtlpTracing, collector: Memory
) -> None:
    tracing.reload(Snapshot(credentials=(Credential(name="openai-main", type="OpenAI"),)))
    tracing.consume([a_traced_record()])
    tracing.close(SOON)
    attempt = collector.request.resource_spans[0].scope_spans[0].spans[1]
    assert "gen_ai.provider.name" in {each.key for each in attempt.attributes}


def test_only_traced_records_become_spans(tracing: OtlpTracing, collector: Memory) -> None:
    tracing.consume([an_answered_record(), a_traced_record(), an_answered_record()])
    tracing.consume([an_answered_record()])
    tracing.close(SOON)
    (around,) = collector.request.resource_spans
    assert len(around.scope_spans[0].spans) == 2


def test_spans_have_the_wall_clocks_time(tracing: OtlpTracing, collector: Memory) -> None:
    tracing.consume([a_traced_record()])
    tracing.close(SOON)
    span = collector.request.resource_spans[0].scope_spans[0].spans[0]
    assert span.start_time_unix_nano == 1_735_689_600_000_000_000 + 100_000_000_000


def test_a_flood_is_cut_into_pieces(tracing: OtlpTracing, collector: Memory) -> None:
    tracing.consume([a_traced_record() for _ in range(RECORDS_PER_PIECE + 1)])
    tracing.close(SOON)
    pieces = [len(each.scope_spans[0].spans) for each in collector.request.resource_spans]
    assert pieces == [2 * RECORDS_PER_PIECE, 2]


def test_closing_closes_the_way_to_the_collector(collector: Memory) -> None:
    open_with(collector, TraceSampler(ALL, parent_based=True)).close(SOON)
    assert not collector.open


def test_spans_that_come_too_late_are_counted(tracing: OtlpTracing) -> None:
    tracing.close(SOON)
    tracing.consume([a_traced_record()])
    assert tracing.dropped == 2


@pytest.mark.parametrize(
    ("environ", "protocol"),
    [
        ({}, HTTP),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, GRPC),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "HTTP/protobuf"}, HTTP),
        (
            {
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            HTTP,
        ),
    ],
)
def test_the_protocol_is_the_environments(environ: dict[str, str], protocol: str) -> None:
    assert protocol_of(environ) == protocol


def test_an_unknown_protocol_is_named_and_means_http(caplog: pytest.LogCaptureFixture) -> None:
    assert protocol_of({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}) == HTTP
    assert "http/json" in caplog.text


def test_we_are_airouter_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert resource_of().attributes["service.name"] == "airouter"
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=mine,k8s.pod.name=router-0")
    assert resource_of().attributes["service.name"] == "mine"
    assert resource_of().attributes["k8s.pod.name"] == "router-0"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "named")
    assert resource_of().attributes["service.name"] == "named"
