"""When requests are traced at all."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from fastapi import FastAPI

from airouter.config.snapshot import Snapshot
from airouter.telemetry.propagation import W3CPropagation
from airouter.telemetry.tracing import NoTracing, configured, open_tracing
from support.records import PARENT_ID, TRACE_ID, an_answered_record

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
TRACES_ENDPOINT = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}

CALLS = """
import sys
from airouter.telemetry.tracing import open_tracing
tracing = open_tracing({}, {})
tracing.propagate({}, tracing.begin({}), tracing.span_id())
print(sorted(name for name in sys.modules if name.startswith("opentelemetry")))
"""


@pytest.mark.parametrize("environ", [ENDPOINT, TRACES_ENDPOINT, {"OTEL_TRACES_EXPORTER": "otlp"}])
def test_an_endpoint_or_an_exporter_turns_tracing_on(environ: dict[str, str]) -> None:
    assert configured(environ)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"},
        ENDPOINT | {"OTEL_SDK_DISABLED": "True"},
    ],
)
def test_it_is_off_without_them_or_when_it_is_forbidden(environ: dict[str, str]) -> None:
    assert not configured(environ)


def test_an_exporter_that_is_not_there_is_named(caplog: pytest.LogCaptureFixture) -> None:
    assert not configured(ENDPOINT | {"OTEL_TRACES_EXPORTER": "zipkin"})
    assert configured({"OTEL_TRACES_EXPORTER": "console, otlp"})
    assert [message.split()[0] for message in caplog.messages] == [
        "OTEL_TRACES_EXPORTER=zipkin",
        "OTEL_TRACES_EXPORTER=console",
    ]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense", "is not a URL (fix: use one such as http://"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", "is not a number (fix: use seconds, such as 10)"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "rar", "is not a known value (fix: use one of:"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nobody.pem", "is not a file (fix: use the path of"),
    ],
)
def test_a_wrong_variable_is_named_with_its_remedy_and_nothing_is_traced(
    name: str, value: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(open_tracing(ENDPOINT | {name: value}, {}), NoTracing)
    (line,) = caplog.messages
    assert line.startswith(f"{name}: {told}")
    assert value not in line


def test_off_imports_nothing_of_opentelemetry() -> None:
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", CALLS], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_off_records_nothing_and_passes_a_clients_trace_on() -> None:
    tracing = open_tracing({}, {})
    parent = f"00-{TRACE_ID}-{PARENT_ID}-01".encode()
    headers = {b"traceparent": parent, b"tracestate": b"a=b"}
    trace = tracing.begin(headers)
    assert trace is None
    lines = tracing.propagate(headers, trace, tracing.span_id())
    assert lines == b"traceparent: " + parent + b"\r\ntracestate: a=b\r\n"
    assert tracing.propagate({}, None, "") == b""


def test_off_takes_all_that_tracing_takes() -> None:
    tracing = NoTracing(W3CPropagation())
    tracing.consume([an_answered_record()])
    tracing.reload(Snapshot())
    tracing.instrument(FastAPI(), [])
    tracing.close(1.0)
    assert tracing.dropped == 0
