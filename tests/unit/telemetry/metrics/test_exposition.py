"""What a scrape shows after which requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from airouter import __version__
from airouter.telemetry.metrics.exposition import Metrics
from airouter.telemetry.record import RequestRecord
from support.metrics_table import SomeProcess
from support.records import a_paid_record, a_record, an_answered_record, an_attempt

if TYPE_CHECKING:
    from prometheus_client.samples import Sample

PLAIN = "text/plain"
OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"


@pytest.fixture
async def metrics() -> Metrics:
    made = Metrics(SomeProcess())
    await made.look()
    return made


def samples(page: bytes) -> list[Sample]:
    return [sample for family in parse_text(page.decode()) for sample in family.samples]


def value(metrics: Metrics, name: str, /, **labels: str) -> float:
    """The value of exactly one series."""
    page, _ = metrics.render(PLAIN)
    values = [
        sample.value for sample in samples(page) if sample.name == name and sample.labels == labels
    ]
    assert len(values) == 1, (name, labels)
    return values[0]


def names(metrics: Metrics) -> set[str]:
    page, _ = metrics.render(PLAIN)
    return {sample.name for sample in samples(page)}


def test_money_is_counted_by_model_credential_and_client(metrics: Metrics) -> None:
    metrics.consume([a_paid_record()] * 3)
    labels = {"model": "gpt-4o", "credential": "openai-main"}
    assert value(metrics, "airouter_cost_usd_total", client="team-a", **labels) == 0.00975
    assert value(metrics, "airouter_cache_saved_usd_total", **labels) == 0.00075
    assert "airouter_unpriced_answers_total" not in names(metrics)


def test_small_costs_add_up_without_a_rest(metrics: Metrics) -> None:
    record = a_paid_record()
    metrics.consume([record] * 100_000)
    labels = {"model": "gpt-4o", "credential": "openai-main", "client": "team-a"}
    assert value(metrics, "airouter_cost_usd_total", **labels) == 325.0


def test_an_answer_without_a_price_is_counted_as_such(metrics: Metrics) -> None:
    record = a_paid_record()
    record.attempts[0].price = None
    metrics.consume([record, a_record(an_attempt(status=500))])
    labels = {"model": "gpt-4o", "credential": "openai-main"}
    assert value(metrics, "airouter_unpriced_answers_total", **labels) == 1
    assert "airouter_cost_usd_total" not in names(metrics)


def test_requests_are_counted_by_all_that_matters(metrics: Metrics) -> None:
    metrics.consume([an_answered_record(), an_answered_record(), an_answered_record(stream=True)])
    labels = {
        "model": "gpt-4o",
        "credential": "openai-main",
        "status": "200",
        "operation": "chat",
    }
    assert value(metrics, "airouter_requests_total", stream="false", **labels) == 2
    assert value(metrics, "airouter_requests_total", stream="true", **labels) == 1


def test_a_request_that_reached_no_model_has_empty_labels(metrics: Metrics) -> None:
    record = a_record(status=401)
    record.model = ""
    metrics.consume([record])
    labels = {"model": "", "credential": "", "status": "401", "stream": "false"}
    assert value(metrics, "airouter_requests_total", operation="chat", **labels) == 1


def test_a_duration_falls_into_its_bucket(metrics: Metrics) -> None:
    metrics.consume([an_answered_record()])  # 0.52 s
    name, labels = "airouter_request_duration_seconds", {"model": "gpt-4o", "stream": "false"}
    assert value(metrics, f"{name}_bucket", le="0.5", **labels) == 0
    assert value(metrics, f"{name}_bucket", le="1.0", **labels) == 1
    assert value(metrics, f"{name}_bucket", le="+Inf", **labels) == 1
    assert value(metrics, f"{name}_count", **labels) == 1
    assert value(metrics, f"{name}_sum", **labels) == pytest.approx(0.52)


def test_a_value_on_a_bound_belongs_to_the_bucket_below(metrics: Metrics) -> None:
    record = a_record()
    record.ended = record.started + 600.0
    metrics.consume([record])
    labels = {"model": "gpt-4o", "stream": "false"}
    assert value(metrics, "airouter_request_duration_seconds_bucket", le="600.0", **labels) == 1


def test_the_first_byte_of_an_answer_is_timed(metrics: Metrics) -> None:
    metrics.consume([an_answered_record(stream=True)])
    labels = {"model": "gpt-4o", "stream": "true"}
    total = value(metrics, "airouter_time_to_first_byte_seconds_sum", **labels)
    assert total == pytest.approx(0.515)


@pytest.mark.parametrize(("status", "first_byte"), [(429, 100.1), (499, 0.0), (200, 0.0)])
def test_no_first_byte_is_timed_where_there_is_no_answer(
    metrics: Metrics, status: int, first_byte: float
) -> None:
    record = a_record(status=status)
    record.first_byte = first_byte
    metrics.consume([record])
    assert "airouter_time_to_first_byte_seconds_count" not in names(metrics)


def test_overhead_is_told_from_what_providers_take(metrics: Metrics) -> None:
    metrics.consume([an_answered_record()])
    name = "airouter_overhead_seconds"
    assert value(metrics, f"{name}_sum", stream="false") == pytest.approx(0.02)
    assert value(metrics, f"{name}_bucket", stream="false", le="5e-05") == 0


def test_tokens_are_counted_by_kind(metrics: Metrics) -> None:
    record = an_answered_record()
    record.cached_tokens, record.reasoning_tokens = 4, 100
    metrics.consume([record, record])
    labels = {"model": "gpt-4o", "credential": "openai-main"}
    counted = {
        kind: value(metrics, "airouter_tokens_total", kind=kind, **labels)
        for kind in ("input", "output", "cached", "reasoning")
    }
    assert counted == {"input": 24, "output": 680, "cached": 8, "reasoning": 200}


def test_kinds_of_tokens_that_nobody_counted_are_not_shown(metrics: Metrics) -> None:
    metrics.consume([a_record(an_attempt())])
    assert "airouter_tokens_total" not in names(metrics)


def test_every_attempt_is_counted_and_all_but_the_first_are_retries(metrics: Metrics) -> None:
    refused = an_attempt("first", status=0)
    refused.error = "connect_error"
    metrics.consume([a_record(refused, an_attempt("second", status=503), an_attempt("second"))])
    name = "airouter_upstream_attempts_total"
    assert value(metrics, name, credential="first", status="", error="connect_error") == 1
    assert value(metrics, name, credential="second", status="503", error="") == 1
    assert value(metrics, name, credential="second", status="200", error="") == 1
    assert value(metrics, "airouter_retries_total", model="gpt-4o") == 2


def test_a_provider_is_timed_to_its_first_byte(metrics: Metrics) -> None:
    metrics.consume([a_record(an_attempt(), an_attempt(status=0))])
    name = "airouter_upstream_first_byte_seconds"
    assert value(metrics, f"{name}_sum", credential="openai-main") == pytest.approx(0.1)
    assert value(metrics, f"{name}_count", credential="openai-main") == 1


def test_the_state_of_the_process_is_read_at_each_scrape(metrics: Metrics) -> None:
    assert value(metrics, "airouter_requests_in_flight", credential="openai-main") == 2
    assert value(metrics, "airouter_connections") == 3
    assert value(metrics, "airouter_config_info", version="abc123") == 1
    assert value(metrics, "airouter_build_info", version=__version__) == 1
    assert value(metrics, "airouter_config_last_reload_successful") == 0
    assert value(metrics, "airouter_config_findings", severity="error") == 2
    assert value(metrics, "airouter_config_findings", severity="warning") == 0
    name = "airouter_config_last_reload_success_timestamp_seconds"
    assert value(metrics, name) == 1_700_000_000
    assert value(metrics, "airouter_spans_dropped_total") == 7
    assert value(metrics, "airouter_log_lines_dropped_total") == 8


def test_the_process_itself_is_measured(metrics: Metrics) -> None:
    assert {
        "process_resident_memory_bytes",
        "process_open_fds",
        "python_gc_collections_total",
        "python_info",
    } <= names(metrics)


def test_who_accepts_openmetrics_gets_it(metrics: Metrics) -> None:
    metrics.consume([an_answered_record()])
    page, content_type = metrics.render(OPENMETRICS)
    assert content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = parse_openmetrics(page.decode())  # type: ignore[no-untyped-call]  # not annotated
    assert "airouter_requests" in {family.name for family in families}


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "text/plain; version=x\x00"])
def test_all_others_get_plain_text(metrics: Metrics, accept: str) -> None:
    assert metrics.render(accept)[1] == "text/plain; version=0.0.4; charset=utf-8"


def test_a_name_with_quotes_stays_one_label(metrics: Metrics) -> None:
    record = a_record(an_attempt('a"b\\c\nd'))
    metrics.consume([record])
    name = "airouter_upstream_attempts_total"
    assert value(metrics, name, credential='a"b\\c\nd', status="200", error="") == 1


def test_bans_are_told_of_every_credential(metrics: Metrics) -> None:
    assert value(metrics, "airouter_credential_bans", credential="openai-main") == 1
    assert value(metrics, "airouter_credential_bans", credential="spare") == 0
    assert value(metrics, "airouter_credential_key_refused", credential="openai-main") == 1
    assert value(metrics, "airouter_credential_key_refused", credential="spare") == 0
    labels = {"credential": "openai-main", "reason": "refused_key"}
    assert value(metrics, "airouter_bans_total", **labels) == 1


def test_a_budget_is_told_with_what_is_used_of_it_and_reserved(metrics: Metrics) -> None:
    labels = {"scope": "client", "budget": "team", "period": "Day"}
    assert value(metrics, "airouter_budget_usd", kind="limit", **labels) == 10.0
    assert value(metrics, "airouter_budget_usd", kind="used", **labels) == 3.0


def test_requests_and_tokens_are_counted_by_client(metrics: Metrics) -> None:
    metrics.consume([an_answered_record()])
    assert value(metrics, "airouter_client_requests_total", client="team-a", status="2xx") == 1
    assert value(metrics, "airouter_client_tokens_total", client="team-a", kind="output") == 340


def test_a_stream_tells_the_time_of_each_token(metrics: Metrics) -> None:
    record = an_answered_record(stream=True)
    record.first_byte, record.ended, record.output_tokens = 100.0, 101.0, 101
    metrics.consume([record])
    name = "airouter_time_per_output_token_seconds"
    assert value(metrics, f"{name}_sum", model="gpt-4o") == pytest.approx(0.01)
    unsent = an_answered_record(stream=True)
    unsent.first_byte, unsent.status = 0.0, 499
    metrics.consume([an_answered_record(), unsent])
    assert value(metrics, f"{name}_count", model="gpt-4o") == 1


def test_cache_hits_and_continued_streams_are_counted(metrics: Metrics) -> None:
    record = a_paid_record()
    record.continued = 2
    metrics.consume([record, an_answered_record()])
    labels = {"model": "gpt-4o", "credential": "openai-main"}
    assert value(metrics, "airouter_cache_hits_total", **labels) == 1
    assert value(metrics, "airouter_continued_streams_total", model="gpt-4o") == 2


def test_a_request_that_is_none_of_a_model_is_counted_and_not_timed(metrics: Metrics) -> None:
    record = RequestRecord("/v1/modles", "", "req_1", 1.0, status=404)
    metrics.consume([record])
    page = samples(metrics.render(PLAIN)[0])
    found = {each.name: each.value for each in page if each.labels.get("status") == "404"}
    assert found["airouter_requests_total"] == 1
    assert not [each for each in page if each.name.startswith("airouter_overhead_seconds_")]


def test_limits_rests_and_heartbeats_are_states(metrics: Metrics) -> None:
    labels = {"scope": "client", "name": "team-a", "limit": "requests"}
    assert value(metrics, "airouter_limit_used_ratio", **labels) == 0.5
    assert value(metrics, "airouter_credential_rests", credential="openai-main") == 0
    assert value(metrics, "airouter_heartbeats_total") == 4
