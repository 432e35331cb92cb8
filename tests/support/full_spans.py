"""The spans of a request that has everything which spans can tell."""

from __future__ import annotations

from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span

from airouter.config.snapshot import Credential
from airouter.dialects.conversation import Usage
from airouter.providers.registry import load_providers
from airouter.telemetry.conventions import conventions_from
from airouter.telemetry.genai.answered import AnswerTap
from airouter.telemetry.genai.asked import Asked
from airouter.telemetry.genai.content import Content
from airouter.telemetry.http_details import HttpDetails
from airouter.telemetry.record import RequestRecord
from airouter.telemetry.spans import SpanEncoder
from support.records import a_paid_record

ASKED = Asked(
    max_tokens=100,
    choices=2,
    temperature=0.5,
    top_p=0.9,
    top_k=40,
    frequency_penalty=0.1,
    presence_penalty=-0.2,
    seed=7,
    stop=("stop",),
    reasoning="high",
    form="json",
    conversation="conv_1",
    previous="resp_1",
    compacted=True,
)
HTTP_WAY = HttpDetails("https", "llm.example.com", 443, "10.0.0.9", "10.0.0.1", 4711, "curl/8")
ANSWER = b'{"id":"chatcmpl-1","model":"gpt-4o-2024-11-20","choices":[{"finish_reason":"stop"}]}'


def full_record() -> RequestRecord:
    """A stream with everything that a span can tell."""
    record = a_paid_record()
    record.note_usage(
        Usage(
            input_tokens=1_000,
            output_tokens=100,
            cached_tokens=200,
            cache_write_tokens=3,
            reasoning_tokens=4,
            audio_input_tokens=5,
            audio_output_tokens=6,
            image_input_tokens=7,
            image_output_tokens=8,
        )
    )
    record.stream = record.session = True
    record.attempts[0].verbatim = True
    trace = record.trace
    assert trace is not None
    trace.asked, trace.http = ASKED, HTTP_WAY
    trace.content = Content("[1]", "[2]", "[3]", truncated=True)
    trace.tap = AnswerTap()
    trace.tap.whole(ANSWER)
    return record


def spans_of(record: RequestRecord, opt_in: str = "") -> list[Span]:
    environ = {"OTEL_SEMCONV_STABILITY_OPT_IN": opt_in}
    encoder = SpanEncoder(load_providers(), conventions_from(environ))
    encoder.reload([Credential(name="openai-main", type="OpenAI")])
    assert record.trace is not None
    return list(ScopeSpans.FromString(encoder.encode(record, record.trace, 0)).spans)


def values(span: Span) -> dict[str, object]:
    def value(any_value: object) -> object:
        kind = any_value.WhichOneof("value")  # type: ignore[attr-defined]  # a message
        found = getattr(any_value, kind)
        return [value(each) for each in found.values] if kind == "array_value" else found

    return {each.key: value(each.value) for each in span.attributes}
