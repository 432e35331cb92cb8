"""Requests of clients of Anthropic, and what is said of those that are wrong."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import (
    CachePoint,
    Format,
    HostedTool,
    Json,
    Thinking,
    Tool,
    ToolChoice,
)
from airouter.dialects.messages import CLIENT, COUNTER
from airouter.failures import Failure
from unit.dialects.messages.asking import (
    CALL,
    RESULT,
    TOOL,
    assistant,
    parsed,
    rejected,
    texts,
    user,
)


def test_tools_of_the_client_keep_what_only_anthropic_knows_of_them() -> None:
    native = {
        **TOOL,
        "description": "Tells.",
        "strict": True,
        "cache_control": {"type": "ephemeral"},
        "defer_loading": True,
    }
    assert parsed(tools=[native]).tools == (
        Tool(
            name="weather",
            description="Tells.",
            parameters={"type": "object"},
            strict=True,
            cache=CachePoint(),
            native={"defer_loading": True},
        ),
    )


def test_tools_of_anthropic_are_its_own() -> None:
    native = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    assert parsed(tools=[native]).tools == (
        HostedTool(kind="web_search_20250305", dialect="messages", native=native),
    )


@pytest.mark.parametrize(
    ("choice", "mode", "names"),
    [
        ({"type": "auto"}, "auto", ()),
        ({"type": "any"}, "required", ()),
        ({"type": "none"}, "none", ()),
        ({"type": "tool", "name": "weather"}, "required", ("weather",)),
    ],
)
def test_a_tool_may_be_chosen(choice: Json, mode: Any, names: tuple[str, ...]) -> None:
    conversation = parsed(tools=[TOOL], tool_choice=choice)
    assert conversation.tool_choice == ToolChoice(mode=mode, names=names)
    assert conversation.parallel_tool_calls is None


def test_calls_may_be_one_at_a_time() -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    assert parsed(tools=[TOOL], tool_choice=choice).parallel_tool_calls is False


@pytest.mark.parametrize(
    ("given", "thinking"),
    [
        ({}, None),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            Thinking(mode="on", budget=2048),
        ),
        (
            {"thinking": {"type": "adaptive", "display": "summarized"}},
            Thinking(mode="adaptive", summary="auto"),
        ),
        ({"thinking": {"type": "disabled"}}, Thinking(mode="off")),
        ({"output_config": {"effort": "max"}}, Thinking(mode="adaptive", effort="max")),
    ],
)
def test_thinking_is_asked_for_in_every_way(given: Json, thinking: Thinking | None) -> None:
    assert parsed(**given).thinking == thinking


def test_settings_are_found_under_their_own_names() -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    conversation = parsed(
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop_sequences=["END"],
        metadata={"user_id": "u1"},
        service_tier="standard_only",
        stream=True,
        output_config={"format": {"type": "json_schema", "schema": schema}},
    )
    sampling = conversation.sampling
    assert (sampling.temperature, sampling.top_p, sampling.top_k) == (0.5, 0.9, 40)
    assert conversation.stop == ("END",)
    assert (conversation.hints.user, conversation.hints.service_tier) == ("u1", "standard_only")
    assert conversation.stream
    assert conversation.max_tokens == 64
    assert conversation.format == Format(kind="json_schema", schema=schema, strict=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("container", "c1"),
        ("inference_geo", "eu"),
        ("mcp_servers", [{"type": "url"}]),
        ("context_management", {"edits": [{"type": "compact_20260112"}]}),
        ("context_management", {"edits": 5}),
        ("context_management", {"edits": ["clear"]}),
    ],
)
def test_what_no_other_provider_has_is_carried_along(name: str, value: Any) -> None:
    conversation = parsed(**{name: value})
    assert (conversation.extensions, conversation.hints.native) == ({name: value}, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cache_control", {"type": "ephemeral"}),
        ("context_management", {"edits": []}),
        ("context_management", {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}),
        ("diagnostics", {"previous_message_id": None}),
        ("speed", "fast"),
    ],
)
def test_what_an_answer_can_do_without_is_a_hint(name: str, value: Any) -> None:
    conversation = parsed(**{name: value})
    assert (conversation.extensions, conversation.hints.native) == ({}, {name: value})


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"foo": 1}, "foo"),
        ({"temperature": 1.5}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"thinking": {"type": "always"}}, "thinking.type"),
        ({"stop_sequences": "END"}, "stop_sequences"),
        ({"tools": [{"name": "weather"}]}, "tools[0]"),
        ({"tools": [{**TOOL, "cache_control": "always"}]}, "tools[0]"),
        ({"tools": [{**TOOL, "cache_control": {"type": "ephemeral", "ttl": "2h"}}]}, "tools[0]"),
        ({"tools": [{**TOOL, "description": 5}]}, "tools[0]"),
        ({"tools": [{**TOOL, "strict": "yes"}]}, "tools[0]"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
    ],
)
def test_a_wrong_setting_is_named(given: Json, param: str) -> None:
    failure = rejected(**given)
    assert failure.param is not None
    assert failure.param.startswith(param)


@pytest.mark.parametrize(
    "messages",
    [
        (user(RESULT),),
        (user(*texts("Hi")), assistant(CALL)),
        (user(*texts("Hi")), assistant(CALL), user(*texts("And?"))),
        (user(*texts("Hi")), assistant(CALL, CALL), user(RESULT)),
    ],
)
def test_calls_and_results_must_match(messages: tuple[Json, ...]) -> None:
    assert (rejected(*messages).param or "").startswith("messages[")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"a"', b'{"model":"\xff"}', b"[" * 9999])
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(Failure) as failed:
        CLIENT.parse_request(body)
    assert failed.value.status == 400


def test_counting_needs_no_ceiling() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    assert COUNTER.parse_request(msgspec.json.encode(body)).max_tokens is None


DOCUMENT: Json = {"type": "document", "source": {"type": "url", "url": "https://x.test/a.pdf"}}
CITED: Json = {
    "type": "text",
    "text": "It rained.",
    "citations": [{"type": "char_location", "cited_text": "rain", "document_index": 0}],
}


@pytest.mark.parametrize(
    "given",
    [
        {"temperature": 1},
        {"top_p": 1},
        {"top_k": 5},
        {"messages": [user(*texts("Hi")), assistant(DOCUMENT)]},
        {"messages": [user(CITED)]},
    ],
)
def test_the_newer_version_takes_less(given: Json) -> None:
    conversation = parsed(**given)
    CLIENT.check_version(conversation, "2023-06-01")
    with pytest.raises(Failure) as failed:
        CLIENT.check_version(conversation, "2026-10-21")
    assert failed.value.status == 400


def test_the_newer_version_takes_the_rest() -> None:
    conversation = parsed(
        user(DOCUMENT, {"type": "text", "text": "Hi", "citations": []}), assistant(CITED)
    )
    CLIENT.check_version(conversation, "2026-10-21")
