"""Requests of messages: read, and written anew as they were."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airouter.dialects.conversation import Destination, Unsupported
from airouter.dialects.converse import UPSTREAM as CONVERSE
from airouter.dialects.messages import UPSTREAM
from airouter.dialects.messages.parse_request import (
    check_version,
    parse_count_request,
    parse_request,
)
from airouter.dialects.messages.render_tools import ANSWER_TOOL
from airouter.failures import Failure
from support.claude_signatures import claude_signature

DESTINATION = Destination(model="claude-sonnet-4-5-20250929", maker="claude-sonnet-4-5")
CACHE = {"type": "ephemeral", "ttl": "1h"}
CITED = {
    "type": "page_location",
    "cited_text": "x",
    "document_index": 0,
    "document_title": "t",
    "start_page_number": 1,
    "end_page_number": 2,
    "file_id": None,
}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}
SEARCHED = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}}
RICH: dict[str, Any] = {
    "model": "m",
    "max_tokens": 3_000,
    "system": [{"type": "text", "text": "Be kind", "cache_control": CACHE}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
                {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}},
                {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "Grass"},
                    "title": "t",
                    "context": "c",
                    "citations": {"enabled": True},
                },
                {"type": "document", "source": {"type": "content", "content": "blocks"}},
                {"type": "search_result", "source": "s", "title": "t", "content": []},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm", "signature": claude_signature("1")},
                {"type": "redacted_thinking", "data": claude_signature("2")},
                {"type": "text", "text": "Green", "citations": [CITED]},
                SEARCHED,
                FOUND,
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "t2", "name": "f", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "content": [
                        {"type": "text", "text": "r"},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": "AA"},
                        },
                    ],
                    "is_error": True,
                    "cache_control": CACHE,
                },
                {"type": "tool_result", "tool_use_id": "t2"},
                {"type": "text", "text": "Go on"},
            ],
        },
    ],
    "tools": [
        SEARCH,
        {
            "name": "f",
            "description": "d",
            "input_schema": {"type": "object", "properties": {}},
            "cache_control": CACHE,
            "defer_loading": True,
        },
    ],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 2_000, "display": "omitted"},
    "stop_sequences": ["HALT"],
    "metadata": {"user_id": "u"},
    "service_tier": "auto",
    "stream": True,
    "context_management": {"edits": []},
    "container": "c1",
}


def rendered(body: dict[str, Any], destination: Destination = DESTINATION) -> dict[str, Any]:
    conversation = parse_request(json.dumps(body).encode())
    found: dict[str, Any] = json.loads(UPSTREAM.render_request(conversation, destination))
    return found


def test_a_rich_request_is_written_as_it_was() -> None:
    expected = json.loads(json.dumps(RICH))
    expected["model"] = DESTINATION.model
    found = rendered(RICH)
    assert found == expected


def test_what_is_anthropics_own_is_refused_elsewhere() -> None:
    conversation = parse_request(json.dumps(RICH).encode())
    with pytest.raises(Unsupported) as caught:
        CONVERSE.render_request(conversation, DESTINATION)
    assert caught.value.field == "container"


def test_a_plain_text_is_a_block() -> None:
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    assert rendered(body)["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]}
    ]


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ({"type": "any"}, {"type": "any"}),
        ({"type": "tool", "name": "f"}, {"type": "tool", "name": "f"}),
        ({"type": "none"}, {"type": "none"}),
        ({"type": "auto"}, {"type": "auto"}),
    ],
)
def test_a_choice_of_tools_is_kept(choice: Any, written: Any) -> None:
    body = {
        "model": "m",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [RICH["tools"][1]],
        "tool_choice": choice,
    }
    assert rendered(body)["tool_choice"] == written


def test_json_of_a_schema_is_a_tool_where_a_model_has_no_better() -> None:
    body = {
        "model": "m",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "Hi"}],
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
    }
    old = Destination(model="claude-3-5-haiku-20241022", maker="claude-3-5-haiku")
    found = rendered(body, old)
    assert found["tool_choice"] == {"type": "tool", "name": ANSWER_TOOL}
    answer = {
        "id": "msg_1",
        "content": [{"type": "tool_use", "id": "t", "name": ANSWER_TOOL, "input": {"a": 1}}],
        "stop_reason": "tool_use",
    }
    parsed = UPSTREAM.parse_response(json.dumps(answer).encode(), old)
    assert parsed.choices[0].stop == "end"
    assert parsed.choices[0].parts[0].text == '{"a":1}'  # type: ignore[union-attr]  # a text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"temperature": 1}, "temperature"),
        ({"top_k": 1}, "top_k"),
        (
            {
                "messages": [
                    {"role": "user", "content": "Hi"},
                    {
                        "role": "assistant",
                        "content": [{"type": "document", "source": {"type": "text", "data": "x"}}],
                    },
                ]
            },
            "messages[1]",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "text", "text": "x", "citations": [CITED]}],
                    }
                ]
            },
            "messages[0]",
        ),
    ],
)
def test_the_newer_version_takes_less(fields: dict[str, Any], field: str) -> None:
    body = {
        "model": "m",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "Hi"}],
        **fields,
    }
    conversation = parse_request(json.dumps(body).encode())
    check_version(conversation, "2023-06-01")
    with pytest.raises(Failure) as caught:
        check_version(conversation, "2026-10-21")
    assert caught.value.param == field


@pytest.mark.parametrize(
    "fields",
    [
        {"max_tokens": -1},
        {"temperature": 1.5},
        {"tools": [{"name": "f"}]},
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "x"}}]}]},
    ],
)
def test_mistakes_are_refused(fields: dict[str, Any]) -> None:
    body = {
        "model": "m",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "Hi"}],
        **fields,
    }
    with pytest.raises(Failure) as caught:
        parse_request(json.dumps(body).encode())
    assert caught.value.status == 400
    assert caught.value.param


def test_counting_needs_no_ceiling() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    assert parse_count_request(json.dumps(body).encode()).max_tokens is None
    with pytest.raises(Failure, match="max_tokens: Field required"):
        parse_request(json.dumps(body).encode())
