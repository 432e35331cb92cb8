"""Requests to the strict Anthropic: a good one, and what changes in those it takes or refuses."""

from __future__ import annotations

from typing import Any

from anthropic.types import MessageParam, ToolParam

from contract.services.anthropic.answers import text

OLD = "claude-opus-4-1-20250805"
MIDDLE = "claude-sonnet-4-5-20250929"
ADAPTIVE = "claude-opus-4-6"
NEW = "claude-opus-4-7"
NEWEST = "claude-sonnet-5"
HELLO: list[MessageParam] = [{"role": "user", "content": "Grüße 🙂 aus der Ferne"}]
LOOK: ToolParam = {"name": "look", "input_schema": {"type": "object"}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"}
CACHED = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}


def said(*messages: Any) -> list[Any]:
    """Messages that alternate, the user's first."""
    roles = ("user", "assistant")
    return [{"role": roles[i % 2], "content": content} for i, content in enumerate(messages)]


def changed(fields: dict[str, Any], **usual: Any) -> dict[str, Any]:
    """A good request with some fields changed."""
    body = {"model": OLD, "messages": HELLO, **usual, **fields}
    return {name: value for name, value in body.items() if value is not ...}


def calling(*later: Any, calls: tuple[Any, ...] = (CALL,)) -> dict[str, Any]:
    return {"tools": [LOOK], "messages": said("Hi", [*calls], *later)}


Case = tuple[str, dict[str, Any], str]

MISSHAPEN: list[Case] = [
    ("unknown field", {"store": True}, "store: Extra inputs are not permitted"),
    ("a header's field", {"user_profile_id": "u"}, "user_profile_id: Extra inputs"),
    ("a beta's field", {"context_management": {}}, "context_management: Extra inputs"),
    ("no limit", {"max_tokens": ...}, "max_tokens: Field required"),
    ("no messages", {"messages": ...}, "messages: Field required"),
    ("text for a number", {"max_tokens": "9"}, "max_tokens: Input should be a valid integer"),
    ("role", {"messages": [{"role": "robot", "content": "x"}]}, "messages.0: Input does not"),
    ("block", {"messages": said([{"type": "smell"}])}, "messages.0.content.0: Input does not"),
    ("no text", {"messages": said([{"type": "text"}])}, "messages.0.content.0.text.text: Field"),
    (
        "cached thought",
        {
            "messages": said(
                "Hi",
                [
                    {
                        "type": "thinking",
                        "thinking": "",
                        "signature": "",
                        "cache_control": {"type": "ephemeral"},
                    }
                ],
            )
        },
        "messages.1.content.0.thinking.cache_control: Extra inputs are not permitted",
    ),
    (
        "input",
        {"tools": [LOOK], "messages": said("Hi", [CALL | {"input": "{}"}], [RESULT])},
        "messages.1.content.0.tool_use.input: Input should be a valid object",
    ),
    (
        "image",
        {
            "messages": said(
                [
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/bmp", "data": "AAAA"},
                    }
                ]
            )
        },
        "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg',",
    ),
    (
        "document",
        {"messages": said([{"type": "document", "source": {"type": "tape"}}])},
        "messages.0.content.0.document.source: Input does not",
    ),
    ("tool", {"tools": [{"name": "look"}]}, "tools.0.custom.input_schema: Field required"),
]
"""What is changed in a good request (`...` leaves it out), and how the refusal begins."""


ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("prewarming", {"max_tokens": 0}),
    ("an assistant at first", {"messages": [{"role": "assistant", "content": "x"}, *HELLO]}),
    ("joined users", {"messages": [*HELLO, *HELLO]}),
    (
        "joined calls",
        {
            "tools": [LOOK],
            "messages": [
                *HELLO,
                {"role": "assistant", "content": [CALL]},
                {"role": "assistant", "content": [CALL | {"id": "toolu_2"}]},
                {"role": "user", "content": [RESULT]},
                {"role": "user", "content": [RESULT | {"tool_use_id": "toolu_2"}, text("So?")]},
            ],
        },
    ),
    ("the same id again", calling([RESULT], [CALL], [RESULT])),
    ("a result without content", calling([{"type": "tool_result", "tool_use_id": "toolu_1"}])),
    ("begun", {"messages": said("Hi", "Well,")}),
    ("sampled", {"temperature": 0.3, "top_p": 0.9, "top_k": 3}),
    ("all the effort", {"model": NEW, "output_config": {"effort": "xhigh"}}),
    (
        "instructed",
        {"model": NEWEST, "messages": [*HELLO, {"role": "system", "content": "Be brief."}]},
    ),
    (
        "a document",
        {
            "messages": said(
                [{"type": "document", "source": {"type": "url", "url": "https://x.test/a.pdf"}}]
            )
        },
    ),
    (
        "strict",
        {
            "tools": [
                {
                    **LOOK,
                    "strict": True,
                    "input_schema": {
                        "type": "object",
                        "properties": {"minimum": {"type": "string"}},
                        "additionalProperties": False,
                    },
                }
            ]
        },
    ),
]


NEWLY_REFUSED: list[Case] = [
    ("sampling", {"temperature": 1}, "temperature: Extra inputs are not permitted"),
    (
        "document",
        {
            "messages": said(
                "Hi",
                [
                    {
                        "type": "document",
                        "source": {"type": "text", "media_type": "text/plain", "data": "x"},
                    }
                ],
                "Hi",
            )
        },
        "messages.1.content.0: `document` blocks can only be in `user` messages",
    ),
    (
        "citation",
        {
            "messages": said(
                [
                    text(
                        "x",
                        {
                            "type": "char_location",
                            "cited_text": "x",
                            "document_index": 0,
                            "document_title": None,
                            "start_char_index": 0,
                            "end_char_index": 1,
                        },
                    )
                ]
            )
        },
        "messages.0.content.0.text.citations: Extra inputs are not permitted",
    ),
]
"""What only the version of 2026-10-21 refuses."""
UNCOUNTED: list[Case] = [
    (
        "server tool",
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        "Server tools are not supported in the count_tokens",
    ),
    ("limit", {"max_tokens": 9}, "max_tokens: Extra inputs are not permitted"),
    ("sampling", {"temperature": 1}, "temperature: Extra inputs are not permitted"),
]
