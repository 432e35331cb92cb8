"""Logs on their way to a collector."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter

from airouter.telemetry.collector import resource_of
from airouter.telemetry.otlp_logs import OtlpLogs
from airouter.telemetry.otlp_metrics import EVERY, interval_of
from support.records import SPAN_ID, TRACE_ID, a_record, a_traced_record

logger = logging.getLogger("airouter.test")


@pytest.fixture
def exporter() -> InMemoryLogRecordExporter:
    return InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # it has no annotations


@pytest.fixture
def logs(exporter: InMemoryLogRecordExporter) -> Iterator[OtlpLogs]:
    logs = OtlpLogs(exporter, resource_of())
    yield logs
    logs.close()


def test_a_line_has_its_severity_and_no_secret(
    logs: OtlpLogs, exporter: InMemoryLogRecordExporter
) -> None:
    try:
        raise ValueError("authorization: Bearer sk-secret-0123456789abcdef")
    except ValueError:
        logger.exception("the key sk-proj-0123456789abcdefghij is wrong")
    logging.getLogger("opentelemetry.exporter").warning("cannot send")
    logs.close()
    (sent,) = exporter.get_finished_logs()
    assert sent.log_record.severity_number is SeverityNumber.ERROR
    assert "is wrong" in str(sent.log_record.body)
    assert "0123456789abcdef" not in repr((sent.log_record.body, sent.log_record.attributes))


def test_a_request_is_an_event_in_its_trace(
    logs: OtlpLogs, exporter: InMemoryLogRecordExporter
) -> None:
    logs.access.consume([a_traced_record(), a_record(status=404)])
    logs.close()
    traced, other = (each.log_record for each in exporter.get_finished_logs())
    assert traced.event_name == "airouter.request"
    assert (traced.trace_id, traced.span_id) == (int(TRACE_ID, 16), int(SPAN_ID, 16))
    assert traced.attributes is not None
    assert traced.attributes["credential"] == "openai-main"
    assert not other.trace_id


@pytest.mark.parametrize(
    ("given", "seconds"), [("", EVERY), ("1500", 1.5), ("0", EVERY), ("soon", EVERY)]
)
def test_the_interval_is_milliseconds(given: str, seconds: float) -> None:
    assert interval_of({"OTEL_METRIC_EXPORT_INTERVAL": given}) == seconds
