"""A real OpenTelemetry Collector before a real Jaeger, both on 127.0.0.1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.kubernetes.binaries import binaries
from support.kubernetes.processes import Process, until
from support.ports import free_port

STARTING = 60.0
PATIENCE = 60.0


class Jaeger:
    """What it shows, by the API that its own pages use."""

    def __init__(self, url: str) -> None:
        self._url = url

    def traces(self, service: str) -> list[dict[str, Any]]:
        """The traces of a service."""
        answer = httpx.get(f"{self._url}/api/traces", params={"service": service}, trust_env=False)
        found: list[dict[str, Any]] = answer.json().get("data") or []
        return found

    def trace(self, service: str, spans: int) -> list[dict[str, Any]]:
        """The spans of the only trace of a service, once there are so many."""
        until(lambda: any(len(t["spans"]) >= spans for t in self.traces(service)), PATIENCE)
        (trace,) = self.traces(service)
        found: list[dict[str, Any]] = trace["spans"]
        return found


class Collector:
    """Where it takes OTLP, and what it made of that."""

    def __init__(self, endpoint: str, metrics: str, log: Path) -> None:
        self.endpoint = endpoint
        self._metrics = metrics
        self._log = log

    def until_told(self, words: str) -> None:
        """Wait until its exporter `debug` has written these words."""
        until(lambda: words in self._log.read_text(), PATIENCE)

    def until_exported(self, series: str) -> None:
        """Wait until its exporter `prometheus` has a series."""
        until(lambda: series in httpx.get(self._metrics, trust_env=False).text, PATIENCE)


@pytest.fixture
def jaeger_ports() -> dict[str, int]:
    """The ports of Jaeger, by the option that sets each."""
    names = (
        *("admin.http", "collector.grpc-server", "collector.http-server"),
        *("collector.otlp.grpc", "collector.otlp.http", "query.grpc-server", "query.http-server"),
    )
    return {name: free_port() for name in names}


@pytest.fixture
def jaeger(jaeger_ports: dict[str, int], tmp_path: Path) -> Iterator[Jaeger]:
    """A Jaeger that keeps traces in memory."""
    options = [f"--{name}.host-port=127.0.0.1:{port}" for name, port in jaeger_ports.items()]
    url = f"http://127.0.0.1:{jaeger_ports['query.http-server']}"
    running = Process(binaries().path("jaeger"), options, tmp_path / "jaeger.log")
    try:
        running.until(lambda: answers(f"{url}/api/services"), STARTING)
        yield Jaeger(url)
    finally:
        running.stop()


@pytest.fixture
def collector(
    jaeger: Jaeger,  # it is to be there first
    jaeger_ports: dict[str, int],
    tmp_path: Path,
) -> Iterator[Collector]:
    """A Collector that hands traces to Jaeger, and shows metrics and logs."""
    otlp, metrics = free_port(), free_port()
    config, log = tmp_path / "collector.yaml", tmp_path / "collector.log"
    config.write_text(json.dumps(collector_config(otlp, metrics, jaeger_ports)))
    running = Process(binaries().path("otelcol"), [f"--config={config}"], log)
    found = f"http://127.0.0.1:{metrics}/metrics"
    try:
        running.until(lambda: answers(found), STARTING)
        yield Collector(f"http://127.0.0.1:{otlp}", found, log)
    finally:
        running.stop()


def collector_config(otlp: int, metrics: int, jaeger_ports: dict[str, int]) -> object:
    """OTLP over HTTP in; out to Jaeger, to a page for Prometheus and to the log."""
    receivers = {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{otlp}"}}}}
    jaeger = f"127.0.0.1:{jaeger_ports['collector.otlp.grpc']}"
    exporters = {
        "otlp": {"endpoint": jaeger, "tls": {"insecure": True}},
        "prometheus": {"endpoint": f"127.0.0.1:{metrics}"},
        "debug": {"verbosity": "detailed"},
    }
    sent = {"traces": "otlp", "metrics": "prometheus", "logs": "debug"}
    pipelines = {kind: {"receivers": ["otlp"], "exporters": [name]} for kind, name in sent.items()}
    service = {"pipelines": pipelines, "telemetry": {"metrics": {"level": "none"}}}
    return {"receivers": receivers, "exporters": exporters, "service": service}


def answers(url: str) -> bool:
    """Whether a page is there."""
    try:
        return httpx.get(url, trust_env=False, timeout=5).is_success
    except httpx.TransportError:
        return False
