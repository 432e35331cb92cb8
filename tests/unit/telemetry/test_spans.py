"""The spans of a record, decoded by the official library and held against the SDK's encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from airouter import __version__
from airouter.config.snapshot import Credential
from airouter.dialects.conversation import Usage
from airouter.providers.registry import load_providers
from airouter.telemetry.collector import envelope_of
from airouter.telemetry.genai.answered import AnswerTap
from airouter.telemetry.record import BanEvent, RequestRecord, Trace
from airouter.telemetry.spans import SpanEncoder
from support.records import (
    ATTEMPT_ID,
    PARENT_ID,
    SPAN_ID,
    TRACE_ID,
    a_paid_record,
    a_record,
    a_traced_record,
    an_attempt,
)

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span
    from opentelemetry.util.types import AttributeValue

EPOCH = 1_735_689_600_000_000_000
OPENAI = Credential(name="openai-main", type="OpenAI")
RESOURCE = Resource(
    {
        "service.name": "airouter",
        "many": ("a", "b"),
        "n": 3,
        "long": "é" * 300,
        "f": 0.5,
        "b": True,
    },
    schema_url="https://example.test/schema",
)
SCOPE = InstrumentationScope("airouter", __version__)


PROVIDERS = load_providers()


@pytest.fixture
def encoder() -> SpanEncoder:
    encoder = SpanEncoder(PROVIDERS)
    encoder.reload([OPENAI])
    return encoder


def spans_of(encoder: SpanEncoder, record: RequestRecord) -> list[Span]:
    assert record.trace is not None
    encoded = envelope_of(RESOURCE).wrap(encoder.encode(record, record.trace, EPOCH))
    return list(
        ExportTraceServiceRequest.FromString(encoded).resource_spans[0].scope_spans[0].spans
    )


def tapped(record: RequestRecord, *pieces: bytes) -> None:
    """Have the answer of a traced request gone by its tap."""
    assert record.trace is not None
    record.trace.tap = AnswerTap()
    for piece in pieces:
        record.trace.tap.add(piece)


def attributes(span: Span) -> dict[str, object]:
    return {
        each.key: getattr(each.value, str(each.value.WhichOneof("value")))
        for each in span.attributes
    }


def context(span_id: str, tracestate: str = "", *, remote: bool = False) -> SpanContext:
    return SpanContext(
        int(TRACE_ID, 16),
        int(span_id, 16),
        remote,
        TraceFlags(TraceFlags.SAMPLED),
        TraceState.from_header([tracestate]),
    )


def sdk_span(
    name: str,
    kind: SpanKind,
    own: SpanContext,
    parent: SpanContext | None,
    times: tuple[float, float],
    attributes: dict[str, AttributeValue],
    status: StatusCode = StatusCode.UNSET,
) -> ReadableSpan:
    return ReadableSpan(
        name,
        context=own,
        parent=parent,
        resource=RESOURCE,
        attributes=attributes,
        kind=kind,
        instrumentation_scope=SCOPE,
        status=Status(status),
        start_time=int(times[0] * 1e9) + EPOCH,
        end_time=int(times[1] * 1e9) + EPOCH,
    )


def as_the_sdk_has_it(
    record: RequestRecord, parent_id: str, tracestate: str, status: StatusCode
) -> list[ReadableSpan]:
    """What `a_traced_record` is for the SDK, with an error where the status is one."""
    failed = status is StatusCode.ERROR
    error: dict[str, AttributeValue] = {"error.type": "503"} if failed else {}
    usage: dict[str, AttributeValue] = {
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 340,
    }
    parent = context(PARENT_ID, tracestate, remote=True) if parent_id else None
    request = sdk_span(
        "POST /v1/chat/completions",
        SpanKind.SERVER,
        context(SPAN_ID, tracestate),
        parent,
        (record.started, record.ended),
        {
            "http.request.method": "POST",
            "http.route": "/v1/chat/completions",
            "url.path": "/v1/chat/completions",
            "http.response.status_code": record.status,
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "airouter.principal": "team-a",
            "airouter.credential": "openai-main",
            **error,
            "airouter.request_id": "req_1",
        },
        status,
    )
    attempt = sdk_span(
        "chat gpt-4o-2024-11-20",
        SpanKind.CLIENT,
        context(ATTEMPT_ID, tracestate),
        context(SPAN_ID, tracestate),
        (record.attempts[0].started, record.attempts[0].ended),
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o-2024-11-20",
            "gen_ai.provider.name": "openai",
            "server.address": "api.openai.com",
            "server.port": 443,
            "http.request.method": "POST",
            "http.response.status_code": record.attempts[0].status,
            "airouter.credential": "openai-main",
            **error,
            **usage,
        },
        status,
    )
    return [request, attempt]


@pytest.mark.parametrize("parent_id", ["", PARENT_ID])
@pytest.mark.parametrize("tracestate", ["", "vendor=value,other=" + "x" * 200])
@pytest.mark.parametrize("status", [StatusCode.UNSET, StatusCode.ERROR])
def test_spans_are_what_the_sdk_would_have_sent(
    encoder: SpanEncoder, parent_id: str, tracestate: str, status: StatusCode
) -> None:
    record = a_traced_record(parent_id, tracestate)
    if status is StatusCode.ERROR:
        record.status = record.attempts[0].status = 503
    assert record.trace is not None
    encoded = envelope_of(RESOURCE).wrap(encoder.encode(record, record.trace, EPOCH))
    expected = encode_spans(as_the_sdk_has_it(record, parent_id, tracestate, status))
    assert ExportTraceServiceRequest.FromString(encoded) == expected


def test_batches_joined_are_one_request(encoder: SpanEncoder) -> None:
    record = a_traced_record()
    assert record.trace is not None
    encoded = envelope_of(RESOURCE).wrap(encoder.encode(record, record.trace, EPOCH))
    joined = ExportTraceServiceRequest.FromString(encoded + encoded)
    assert [len(each.scope_spans[0].spans) for each in joined.resource_spans] == [2, 2]


def test_attempts_are_children_of_the_request(encoder: SpanEncoder) -> None:
    request, attempt = spans_of(encoder, a_traced_record(PARENT_ID))
    assert request.parent_span_id.hex() == PARENT_ID
    assert attempt.parent_span_id == request.span_id
    assert attempt.trace_id == request.trace_id


def test_a_retry_says_which_it_is_and_tokens_are_on_the_attempt_that_they_are_of(
    encoder: SpanEncoder,
) -> None:
    record = a_record(an_attempt("gone", status=0), an_attempt(started=101.0))
    record.attempts[0].error = "connect_error"
    record.note_usage(Usage(input_tokens=12))
    record.trace = Trace(TRACE_ID, SPAN_ID, "", "")
    request, first, second = (attributes(span) for span in spans_of(encoder, record))
    assert request["airouter.attempts"] == 2
    assert not {name for name in request if "usage" in name}
    assert "http.request.resend_count" not in first
    assert second["http.request.resend_count"] == 1
    assert "gen_ai.usage.input_tokens" not in first
    assert second["gen_ai.usage.input_tokens"] == 12


def test_an_attempt_without_an_answer_has_an_error_and_no_status(encoder: SpanEncoder) -> None:
    record = a_traced_record()
    record.attempts[0].status, record.attempts[0].error = 0, "timeout"
    span = spans_of(encoder, record)[1]
    assert attributes(span)["error.type"] == "timeout"
    assert "http.response.status_code" not in attributes(span)
    assert span.status.code == StatusCode.ERROR.value


def test_a_credential_that_went_away_is_named_and_not_described(encoder: SpanEncoder) -> None:
    record = a_traced_record()
    encoder.reload([])
    named = attributes(spans_of(encoder, record)[1])
    assert named["airouter.credential"] == "openai-main"
    assert not {"gen_ai.provider.name", "server.address", "server.port"} & set(named)


def test_a_reload_changes_who_is_behind_a_credential(encoder: SpanEncoder) -> None:
    spans_of(encoder, a_traced_record())
    url = "http://vllm.ai.svc:8000/v1"
    encoder.reload([Credential(name="openai-main", type="OpenAICompatible", base_url=url)])
    named = attributes(spans_of(encoder, a_traced_record())[1])
    assert named["gen_ai.provider.name"] == "openai_compatible"
    assert (named["server.address"], named["server.port"]) == ("vllm.ai.svc", 8000)


def test_a_provider_without_an_address_has_none(encoder: SpanEncoder) -> None:
    encoder.reload([Credential(name="openai-main", type="Mock")])
    named = attributes(spans_of(encoder, a_traced_record())[1])
    assert named["gen_ai.provider.name"] == "mock"
    assert not {"server.address", "server.port"} & set(named)


def test_a_type_that_the_conventions_do_not_know_names_itself(encoder: SpanEncoder) -> None:
    encoder.reload([Credential(name="openai-main", type="Novel")])
    assert attributes(spans_of(encoder, a_traced_record())[1])["gen_ai.provider.name"] == "Novel"


def test_a_client_error_is_named_and_is_no_failure_of_the_server(encoder: SpanEncoder) -> None:
    record = a_record(status=404)
    record.error = "model_not_found"
    record.model = record.principal = ""
    record.trace = Trace(TRACE_ID, SPAN_ID, "", "")
    (span,) = spans_of(encoder, record)
    assert span.status.code == StatusCode.UNSET.value
    assert attributes(span)["error.type"] == "model_not_found"
    absent = {"gen_ai.request.model", "airouter.principal", "airouter.credential"}
    assert not absent & set(attributes(span))


def test_a_stream_that_broke_off_is_a_failure_though_its_status_was_good(
    encoder: SpanEncoder,
) -> None:
    record = a_traced_record()
    record.error = "broken_reply"
    span = spans_of(encoder, record)[0]
    assert span.status.code == StatusCode.ERROR.value
    assert attributes(span)["http.response.status_code"] == 200


def test_all_kinds_of_tokens_are_told(encoder: SpanEncoder) -> None:
    record = a_traced_record()
    record.note_usage(
        Usage(input_tokens=20, cached_tokens=10, cache_write_tokens=7, reasoning_tokens=10**9)
    )
    span = spans_of(encoder, record)[1]
    assert attributes(span)["gen_ai.usage.cache_read.input_tokens"] == 10
    assert attributes(span)["gen_ai.usage.cache_write.input_tokens"] == 7
    assert attributes(span)["gen_ai.usage.reasoning.output_tokens"] == 10**9


def test_a_stream_tells_how_long_its_first_piece_took(encoder: SpanEncoder) -> None:
    record = a_traced_record()
    record.stream = True
    tapped(record)
    request, attempt = (attributes(span) for span in spans_of(encoder, record))
    assert request["gen_ai.request.stream"] is True
    assert attempt["gen_ai.response.time_to_first_chunk"] == pytest.approx(0.505)


def test_a_stream_that_others_went_on_with_tells_how_many(encoder: SpanEncoder) -> None:
    record = a_traced_record()
    record.stream = True
    tapped(record)
    assert "airouter.continued" not in attributes(spans_of(encoder, record)[0])
    record.continued = 2
    record.attempts[0].continues = True
    request, attempt = (attributes(span) for span in spans_of(encoder, record))
    assert request["airouter.continued"] == 2
    assert "gen_ai.response.time_to_first_chunk" not in attempt  # of an earlier one
    (event,) = spans_of(encoder, record)[0].events
    assert event.name == "airouter.continued"


@pytest.mark.parametrize("what", ["no answer", "an error"])
def test_a_stream_that_never_began_tells_nothing_of_it(encoder: SpanEncoder, what: str) -> None:
    record = a_traced_record()
    record.stream = True
    tapped(record)
    if what == "no answer":
        record.first_byte = 0.0
    else:
        record.attempts[0].status = 503
    attempt = attributes(spans_of(encoder, record)[1])
    assert "gen_ai.response.time_to_first_chunk" not in attempt


def test_a_request_tells_what_it_cost_and_by_which_price(encoder: SpanEncoder) -> None:
    request, _ = (attributes(span) for span in spans_of(encoder, a_paid_record()))
    assert request["airouter.cost_usd"] == 0.00325
    assert request["airouter.price_version"] == "declared-1"


def test_a_request_whose_cost_is_not_known_tells_none(encoder: SpanEncoder) -> None:
    request, _ = (attributes(span) for span in spans_of(encoder, a_traced_record()))
    assert not {name for name in request if "cost" in name or "price" in name}


def test_a_ban_is_an_event_of_the_request_that_led_to_it(encoder: SpanEncoder) -> None:
    record = a_traced_record()
    record.bans = [BanEvent(100.25, "openai-main", "", "429", 90.0)]
    request, *attempts = spans_of(encoder, record)
    (event,) = request.events
    assert (event.name, event.time_unix_nano) == ("airouter.ban", EPOCH + 100_250_000_000)
    assert {each.key: each.value.string_value for each in event.attributes} == {
        "airouter.credential": "openai-main",
        "airouter.ban.reason": "429",
        "airouter.ban.duration": "90s",
    }
    assert [list(each.events) for each in attempts] == [[]]
