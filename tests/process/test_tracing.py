"""Requests traced by a router process to a collector on loopback."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from support.config import MASTER_KEY, manifest
from support.http_client import http_client
from support.otlp_sink import http_sink
from support.raw_upstream import RawUpstream, raw_upstream
from support.router import RouterProcess, router_process

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADERS = {
    "authorization": f"Bearer {MASTER_KEY}",
    "traceparent": f"00-{TRACE}-{PARENT}-01",
    "tracestate": "vendor=1",
}
ANSWER = (
    b'{"id":"chatcmpl-1","model":"real-1","usage":{"prompt_tokens":3,"completion_tokens":2},'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]}'
)
ASKED = {
    "model": "m",
    "temperature": 0.5,
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "what is secret"}],
}


def configured(folder: Path, upstream: RawUpstream, **spec: Any) -> str:
    """The name of a file with the model `m`, which the upstream knows as `real`."""
    url = f"http://127.0.0.1:{upstream.port}/v1"
    credential = {"name": "c", "type": "OpenAICompatible", "baseURL": url}
    models = [{"name": "m", "backends": [{"credential": "c", "upstreamName": "real"}]}]
    path = folder / "router.yaml"
    path.write_text(manifest([credential], models, **spec))
    return str(path)


async def ask(router: RouterProcess, upstream: RawUpstream) -> str:
    """The request as the upstream got it, when the client has its answer."""
    async with http_client(base_url=router.base_url, headers=HEADERS) as client:
        asking = asyncio.create_task(client.post("/chat/completions", json=ASKED))
        conversation = await upstream.accept()
        request = await conversation.request()
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(ANSWER)
        await conversation.say(head + ANSWER)
        assert (await asking).status_code == 200
    return request.decode()


async def test_a_request_and_its_attempt_are_spans_of_the_clients_trace(tmp_path: Path) -> None:
    async with raw_upstream() as upstream:
        path = configured(tmp_path, upstream)
        with http_sink() as sink:
            endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint}
            async with router_process(tmp_path, "-f", path, **endpoint) as router:
                request = await ask(router, upstream)
                router.signal(signal.SIGTERM)
                assert await router.wait() == 0
            spans = {span.kind: span for span in sink.spans}
    ours, attempt = spans[Span.SPAN_KIND_SERVER], spans[Span.SPAN_KIND_CLIENT]
    assert (ours.trace_id.hex(), ours.parent_span_id.hex()) == (TRACE, PARENT)
    assert (attempt.trace_id, attempt.parent_span_id) == (ours.trace_id, ours.span_id)
    assert f"traceparent: 00-{TRACE}-{attempt.span_id.hex()}-01\r\n" in request
    assert values(ours)["gen_ai.request.model"] == "m"
    assert values(ours)["client.address"] == "127.0.0.1"
    assert values(ours)["url.scheme"] == "http"
    assert not {name for name in values(ours) if "usage" in name}
    wanted = {
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.model": "real-1",
    }
    assert wanted.items() <= values(attempt).items()
    assert not {name for name in values(attempt) if "messages" in name}


def values(span: Span) -> dict[str, object]:
    """The attributes of a span, but for lists."""
    return {
        each.key: getattr(each.value, str(each.value.WhichOneof("value")))
        for each in span.attributes
    }


async def traced_attempt(folder: Path, **spec: Any) -> dict[str, object]:
    """The attributes of the attempt of one request."""
    async with raw_upstream() as upstream:
        path = configured(folder, upstream, **spec)
        with http_sink() as sink:
            endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint}
            async with router_process(folder, "-f", path, **endpoint) as router:
                await ask(router, upstream)
                router.signal(signal.SIGTERM)
                assert await router.wait() == 0
            (attempt,) = (each for each in sink.spans if each.kind == Span.SPAN_KIND_CLIENT)
    return values(attempt)


async def test_what_was_said_is_in_spans_where_it_shall_be(tmp_path: Path) -> None:
    traces = {"captureContent": True, "redact": ["$.input[*].parts[*].content"]}
    attempt = await traced_attempt(tmp_path, telemetry={"traces": traces})
    said = json.loads(str(attempt["gen_ai.output.messages"]))
    assert said[0]["parts"] == [{"type": "text", "content": "hello"}]
    asked = json.loads(str(attempt["gen_ai.input.messages"]))
    assert asked == [{"role": "user", "parts": [{"type": "text", "content": "[redacted]"}]}]


async def test_probes_have_no_spans_and_what_goes_to_no_model_has_one(tmp_path: Path) -> None:
    async with raw_upstream() as upstream:
        file = configured(tmp_path, upstream)
        with http_sink() as sink:
            endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint}
            async with router_process(tmp_path, "-f", file, **endpoint) as router:
                async with http_client(base_url=router.url, headers=HEADERS) as client:
                    for path in ("/health", "/vhealth", "/metrics", "/v1/models"):
                        assert (await client.get(path)).status_code == 200
                router.signal(signal.SIGTERM)
                assert await router.wait() == 0
    (span,) = sink.spans
    assert span.name == "GET /v1/models"
    assert values(span)["server.address"] == "127.0.0.1"
    assert values(span)["server.port"] == router.port


async def test_without_a_collector_the_clients_trace_is_passed_on_as_it_is(tmp_path: Path) -> None:
    async with raw_upstream() as upstream:
        path = configured(tmp_path, upstream)
        async with router_process(tmp_path, "-f", path) as router:
            request = await ask(router, upstream)
    assert f"traceparent: 00-{TRACE}-{PARENT}-01\r\ntracestate: vendor=1\r\n" in request
