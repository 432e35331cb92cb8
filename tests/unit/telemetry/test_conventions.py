"""Spans have the names of the conventions, and older ones where these are asked for."""

from __future__ import annotations

import pytest

from airouter.telemetry.instrumentation import with_http
from support.convention_names import GEN_AI, HTTP, OF_A_SERVER, OF_AN_INFERENCE
from support.full_spans import full_record, spans_of, values
from support.records import a_traced_record


def test_every_name_is_of_the_conventions_or_our_own() -> None:
    for span in spans_of(full_record()):
        foreign = {name for name in values(span) if not name.startswith("airouter.")}
        assert foreign - GEN_AI - HTTP == set()


def test_spans_have_all_that_the_conventions_ask_for() -> None:
    request, attempt = map(values, spans_of(full_record()))
    assert request.keys() >= OF_A_SERVER
    assert attempt.keys() >= OF_AN_INFERENCE
    optional = {"gen_ai.input.messages", "gen_ai.system_instructions", "gen_ai.output.messages"}
    assert attempt.keys() >= GEN_AI - optional - {"gen_ai.response.time_to_first_chunk"}


def test_what_was_asked_and_answered_is_on_the_attempt() -> None:
    _, attempt = map(values, spans_of(full_record()))
    wanted: dict[str, object] = {
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.presence_penalty": -0.2,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ["stop"],
        "gen_ai.request.reasoning.level": "high",
        "gen_ai.request.stream": True,
        "gen_ai.conversation.id": "conv_1",
        "gen_ai.conversation.compacted": True,
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.model": "gpt-4o-2024-11-20",
        "gen_ai.response.finish_reasons": ["stop"],
    }
    assert wanted.items() <= attempt.items()


def test_a_translated_answer_does_not_call_the_public_name_a_model_that_answered() -> None:
    record = full_record()
    record.attempts[0].verbatim = False
    _, attempt = map(values, spans_of(record))
    assert "gen_ai.response.model" not in attempt
    assert attempt["gen_ai.response.id"] == "chatcmpl-1"
    assert record.trace is not None
    record.trace.answered_by = "claude-4-20260101"
    _, attempt = map(values, spans_of(record))
    assert attempt["gen_ai.response.model"] == "claude-4-20260101"


def test_a_turn_of_a_websocket_says_so() -> None:
    request, _ = map(values, spans_of(full_record()))
    assert request["network.protocol.name"] == "websocket"
    request, _ = map(values, spans_of(a_traced_record()))
    assert "network.protocol.name" not in request


def test_a_fallback_is_an_event() -> None:
    record = full_record()
    record.attempts[0].model = "claude"
    (event,) = spans_of(record)[0].events
    assert event.name == "airouter.fallback"
    assert {each.key: each.value.string_value for each in event.attributes} == {
        "airouter.fallback.model": "claude",
        "airouter.credential": "openai-main",
        "gen_ai.request.model": "gpt-4o-2024-11-20",
    }


@pytest.mark.parametrize("opt_in", ["", "http", "gen_ai_latest_experimental", "http, database"])
def test_older_names_are_not_there_unasked(opt_in: str) -> None:
    request, attempt = map(values, spans_of(full_record(), opt_in))
    assert not {"http.method", "http.status_code", "net.host.name"} & request.keys()
    assert not {"gen_ai.system", "gen_ai.usage.prompt_tokens", "net.peer.name"} & attempt.keys()


@pytest.mark.parametrize(
    ("asked", "given"),
    [("", "http"), ("gen_ai/dup", "gen_ai/dup,http"), (" http/dup ", "http/dup"), ("http", "http")],
)
def test_other_conventions_leave_http_the_newest(asked: str, given: str) -> None:
    assert with_http(asked) == given


def test_older_names_stand_beside_the_newest() -> None:
    request, attempt = map(values, spans_of(full_record(), "http/dup,gen_ai/dup"))
    assert request["http.method"] == request["http.request.method"] == "POST"
    assert request["net.host.name"] == request["server.address"] == "llm.example.com"
    assert attempt["gen_ai.system"] == attempt["gen_ai.provider.name"] == "openai"
    assert attempt["gen_ai.usage.prompt_tokens"] == attempt["gen_ai.usage.input_tokens"] == 1_000
    assert attempt["net.peer.name"] == "api.openai.com"
