"""Settings of a messages request, and what Anthropic cannot be asked."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import (
    Destination,
    Format,
    Hints,
    HostedTool,
    Json,
    Reasoning,
    Sampling,
    Thinking,
)
from airouter.dialects.messages import CLIENT, UPSTREAM
from support.claude_signatures import claude_signature
from unit.dialects.messages.asking import (
    NEWEST,
    OLDER,
    OLDEST,
    SONNET,
    WANTED,
    WEATHER,
    asked,
    body_of,
    call,
    foreign,
    own,
    refused,
    result,
    say,
)


@pytest.mark.parametrize(
    ("model", "thinking", "expected"),
    [
        (SONNET, Thinking(mode="on", budget=2048), {"type": "enabled", "budget_tokens": 2048}),
        (SONNET, Thinking(effort="low"), {"type": "enabled", "budget_tokens": 2048}),
        (SONNET, Thinking(effort="none"), {"type": "disabled"}),
        (NEWEST, Thinking(mode="on", budget=2048), {"type": "adaptive"}),
        (NEWEST, Thinking(effort="high"), {"type": "adaptive"}),
        (
            NEWEST,
            Thinking(mode="adaptive", summary="auto"),
            {"type": "adaptive", "display": "summarized"},
        ),
    ],
)
def test_each_generation_is_asked_to_think_in_its_way(
    model: str, thinking: Thinking, expected: Json
) -> None:
    assert body_of(asked(thinking=thinking), model)["thinking"] == expected


@pytest.mark.parametrize(
    ("model", "effort", "said"),
    [
        (NEWEST, "minimal", "low"),
        (NEWEST, "xhigh", "xhigh"),
        ("claude-opus-4-6", "xhigh", "high"),
        ("claude-opus-4-6", "max", "max"),
    ],
)
def test_an_effort_becomes_the_nearest_that_a_model_has(model: str, effort: Any, said: str) -> None:
    body = body_of(asked(thinking=Thinking(effort=effort)), model)
    assert body["output_config"] == {"effort": said}


def test_a_budget_leaves_room_for_the_answer() -> None:
    by_effort = body_of(asked(thinking=Thinking(effort="high"), max_tokens=4000))
    assert by_effort["thinking"]["budget_tokens"] < by_effort["max_tokens"] == 4000
    chosen = Thinking(mode="on", budget=16_000)
    ours = UPSTREAM.render_request(
        asked(thinking=chosen), Destination(model=SONNET, max_output_tokens=8000)
    )
    assert msgspec.json.decode(ours)["max_tokens"] == 24_000
    assert refused(asked(thinking=chosen, max_tokens=4000)) == "max_tokens"


def test_a_call_whose_thought_is_lost_goes_on_without_thinking() -> None:
    wanted = Thinking(effort="low")
    ours = Reasoning(text="Hm.", signature=own())
    lost = Reasoning(text="Hm.", signature=foreign())
    for thought, thinks in ((ours, True), (lost, False)):
        turns = (say("user", "Hi"), say("assistant", thought, call()), say("user", result()))
        body = body_of(asked(*turns, tools=(WEATHER,), thinking=wanted))
        assert ("thinking" in body) is thinks


@pytest.mark.parametrize("model", [SONNET, NEWEST])
def test_an_answer_is_held_to_a_schema_that_anthropic_takes(model: str) -> None:
    format_ = body_of(asked(format=WANTED), model)["output_config"]["format"]
    assert format_["type"] == "json_schema"
    assert format_["schema"]["additionalProperties"] is False
    assert "minimum" not in format_["schema"]["properties"]["n"]


def test_any_json_is_asked_for_in_words() -> None:
    (told,) = body_of(asked(format=Format(kind="json_object")))["system"]
    assert "JSON" in told["text"]


def test_hints_go_where_anthropic_has_a_field() -> None:
    hints = Hints(user="u1", service_tier="default", store=False, prompt_cache_key="k")
    body = body_of(asked(hints=hints))
    assert body["metadata"] == {"user_id": "u1"}
    assert body["service_tier"] == "standard_only"
    assert "service_tier" not in body_of(asked(hints=Hints(service_tier="flex")))


@pytest.mark.parametrize(
    ("given", "known", "expected"),
    [(None, None, 64_000), (None, 900, 900), (7, 900, 7), (0, 900, 0)],
)
def test_a_ceiling_is_always_said(given: int | None, known: int | None, expected: int) -> None:
    body = body_of(asked(max_tokens=given), max_output_tokens=known)
    assert body["max_tokens"] == expected


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"sampling": Sampling(seed=1)}, "seed"),
        ({"sampling": Sampling(frequency_penalty=0.5)}, "frequency_penalty"),
        ({"sampling": Sampling(presence_penalty=0.5)}, "presence_penalty"),
        ({"sampling": Sampling(logit_bias={"1": 1})}, "logit_bias"),
        ({"sampling": Sampling(temperature=1.7)}, "temperature"),
        ({"sampling": Sampling(temperature=0.5, top_p=0.9)}, "top_p"),
        ({"modalities": ("text", "audio")}, "modalities"),
        ({"stop": ("\n",)}, "stop"),
        ({"extensions": {"prediction": {}}}, "prediction"),
        ({"tools": (HostedTool(kind="file_search", dialect="responses", native={}),)}, "tools"),
    ],
)
def test_what_anthropic_cannot_do_is_refused_by_name(given: Json, field: str) -> None:
    assert refused(asked(**given)) == field


def test_zero_is_not_nothing() -> None:
    body = body_of(asked(sampling=Sampling(temperature=0, top_k=0)))
    assert (body["temperature"], body["top_k"]) == (0, 0)
    thinks = Thinking(mode="on", budget=2048)
    assert refused(asked(sampling=Sampling(temperature=0), thinking=thinks)) == "temperature"


def test_newer_models_draw_as_they_will() -> None:
    assert refused(asked(sampling=Sampling(temperature=0.5)), OLDER) == "temperature"
    assert "temperature" not in body_of(asked(sampling=Sampling(temperature=1)), OLDER)
    assert refused(asked(thinking=Thinking(mode="on", budget=2048)), OLDEST) == "thinking"


RICH: Json = {
    "model": NEWEST,
    "max_tokens": 4096,
    "system": [
        {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral", "ttl": "5m"}}
    ],
    "messages": [
        {
            "role": "user",
            "content": [
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "It rained."},
                    "title": "Notes",
                    "context": "From Tuesday",
                    "citations": {"enabled": True},
                },
                {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
                {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": claude_signature("1")},
                {"type": "redacted_thinking", "data": claude_signature("2")},
                {
                    "type": "server_tool_use",
                    "id": "srvtoolu_1",
                    "name": "web_search",
                    "input": {"query": "rain"},
                },
                {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
                {
                    "type": "text",
                    "text": "It rained.",
                    "citations": [
                        {
                            "type": "char_location",
                            "cited_text": "rain",
                            "document_index": 0,
                            "document_title": "Notes",
                            "start_char_index": 3,
                            "end_char_index": 7,
                        }
                    ],
                },
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}},
                {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": [
                        {"type": "text", "text": "Rain"},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
                        },
                        {
                            "type": "search_result",
                            "source": "x",
                            "title": "X",
                            "content": [{"type": "text", "text": "Rain"}],
                        },
                    ],
                },
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_2",
                    "content": [{"type": "text", "text": "No city."}],
                    "is_error": True,
                },
                {"type": "text", "text": "And now?"},
            ],
        },
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
    ],
    "tools": [
        {
            "name": "weather",
            "description": "Tells.",
            "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
            "cache_control": {"type": "ephemeral"},
            "defer_loading": True,
        },
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
    ],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "adaptive", "display": "summarized"},
    "output_config": {
        "effort": "high",
        "format": {
            "type": "json_schema",
            "schema": {"type": "object", "properties": {}, "additionalProperties": False},
        },
    },
    "stop_sequences": ["END"],
    "metadata": {"user_id": "u1"},
    "service_tier": "standard_only",
    "cache_control": {"type": "ephemeral"},
    "inference_geo": "eu",
    "stream": True,
}


def test_what_a_client_of_anthropic_says_reaches_it_as_it_was() -> None:
    conversation = CLIENT.parse_request(msgspec.json.encode(RICH))
    body = UPSTREAM.render_request(conversation, Destination(model=NEWEST, maker="claude-sonnet-5"))
    assert msgspec.json.decode(body) == RICH
