"""A request that failed over and went on, as Jaeger shows it; metrics and logs in a Collector."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from collectors.conftest import Collector, Jaeger
from failover.faulty import FaultyProvider, refusing
from support.config import MASTER_KEY, manifest
from support.http_client import http_client
from support.mixed_load import break_off
from support.router import RouterProcess, router_process

SERVICE = "router-under-test"
ATTEMPTS = 4
SHOWN = ("airouter.credential", "http.response.status_code", "error.type")
DOCS = Path(__file__).parents[2] / "docs" / "observability.md"


@contextlib.asynccontextmanager
async def failing_over(folder: Path, collector: Collector) -> AsyncIterator[RouterProcess]:
    """A router whose model has two backends that are down, and a fallback that breaks off."""
    async with contextlib.AsyncExitStack() as stack:
        providers = {}
        for name in ("down", "down-too", "broken"):
            provider = await stack.enter_async_context(FaultyProvider(name).listening())
            provider.always = refusing(503)
            providers[name] = provider
        broken = providers["broken"]
        broken.always = break_off
        broken.heard.set()  # it breaks off at once, when a part is out
        path = folder / "router.yaml"
        path.write_text(declared(providers))
        router = router_process(
            folder,
            *("-f", str(path)),
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
            OTEL_METRICS_EXPORTER="otlp",
            OTEL_LOGS_EXPORTER="otlp",
            OTEL_SERVICE_NAME=SERVICE,
        )
        yield await stack.enter_async_context(router)


def declared(providers: dict[str, FaultyProvider]) -> str:
    """The model `m`, which falls back to `other`."""
    credentials: list[dict[str, Any]] = [{"name": "mock", "type": "Mock"}]
    for name, provider in providers.items():
        given = {"type": "OpenAICompatible", "baseURL": provider.base_url}
        credentials.append({"name": name, **given})
    tried = {"m": {"down": "first", "down-too": "second"}}
    tried["other"] = {"broken": "broken", "mock": "spare"}
    models: list[dict[str, Any]] = [
        {
            "name": name,
            "backends": [
                {"credential": each, "upstreamName": upstream, "priority": place}
                for place, (each, upstream) in enumerate(backends.items())
            ],
        }
        for name, backends in tried.items()
    ]
    models[0]["fallbacks"] = ["other"]
    retries = {"attempts": ATTEMPTS, "backoff": {"initial": "1ms", "max": "1ms"}}
    return manifest(
        credentials, models, resilience={"onBrokenStream": "Continue", "retries": retries}
    )


def tags(span: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a span, or the fields of an event."""
    return {each["key"]: each["value"] for each in span.get("tags") or span["fields"]}


def documented_tree() -> str:
    """The one block of the docs that is a trace."""
    _, _, block = DOCS.read_text().partition("```text\nPOST ")
    return "POST " + block.partition("\n```")[0]


def events_of(span: dict[str, Any]) -> list[str]:
    """The events of a span, each with the credential that it is about."""
    events = [tags(log) for log in span["logs"]]
    return [f"{each['event']} ({each['airouter.credential']})" for each in events]


def tree_of(spans: list[dict[str, Any]]) -> str:
    """A trace as text: each span below its parent, in order of time."""
    lines: list[str] = []

    def add(parent: str, depth: int) -> None:
        for span in sorted(spans, key=lambda each: each["startTime"]):
            above = span["references"][0]["spanID"] if span["references"] else ""
            if above == parent:
                told = tags(span)
                values = [str(told[name]) for name in SHOWN if name in told]
                told_once = dict.fromkeys([span["operationName"], *values, *events_of(span)])
                lines.append("  " * depth + ", ".join(told_once))
                add(span["spanID"], depth + 1)

    add("", 0)
    return "\n".join(lines)


async def asked(router: RouterProcess) -> str:
    """The answer to one streamed chat, once the router has ended in order."""
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hello!"}]}
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    async with http_client(base_url=router.base_url, headers=headers) as client:
        answer = await client.post("/chat/completions", json=body)
    assert answer.status_code == 200
    router.signal(signal.SIGTERM)
    assert await router.wait() == 0
    return answer.text


async def test_jaeger_shows_attempts_a_fallback_and_a_continued_stream_as_one_tree(
    collector: Collector, jaeger: Jaeger, tmp_path: Path
) -> None:
    async with failing_over(tmp_path, collector) as router:
        said = await asked(router)
    assert "half of " in said
    spans = await asyncio.to_thread(jaeger.trace, SERVICE, 1 + ATTEMPTS)
    assert tree_of(spans) == documented_tree()


async def test_a_collector_takes_metrics_and_logs(collector: Collector, tmp_path: Path) -> None:
    async with failing_over(tmp_path, collector) as router:
        await asked(router)
    await asyncio.to_thread(collector.until_exported, "airouter_requests_total{")
    await asyncio.to_thread(collector.until_told, "EventName: airouter.request")
