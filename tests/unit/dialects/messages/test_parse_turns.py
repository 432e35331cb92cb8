"""Messages of clients of Anthropic, read as turns."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.conversation import (
    CachePoint,
    File,
    Image,
    Json,
    Media,
    Opaque,
    Reasoning,
    Signature,
    Text,
    ToolCall,
    ToolResult,
)
from airouter.dialects.provenance import pack_parts
from support.claude_signatures import claude_signature
from unit.dialects.messages.asking import (
    CALL,
    RESULT,
    assistant,
    call,
    foreign,
    parsed,
    rejected,
    texts,
    user,
)


def part_of(block: Json, role: str = "user") -> Any:
    (part,) = parsed({"role": role, "content": [block]}).turns[-1].parts
    return part


def test_instructions_come_first_and_keep_where_the_prompt_is_cached() -> None:
    kept = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    turn = parsed(system=[*texts("short"), kept]).turns[0]
    assert (turn.role, turn.at) == ("system", "system")
    assert turn.parts == (Text(text="short"), Text(text="long", cache=CachePoint(ttl="1h")))


@pytest.mark.parametrize("system", [None, "", []])
def test_no_instructions_are_no_turn(system: Any) -> None:
    assert [turn.role for turn in parsed(system=system).turns] == ["user"]


def test_turns_say_where_they_stood() -> None:
    hello = {"role": "user", "content": "Hello"}
    turns = parsed(hello, {"role": "system", "content": "Be brief."}, hello).turns
    assert [(turn.role, turn.at) for turn in turns] == [
        ("user", "messages[0]"),
        ("system", "messages[1]"),
        ("user", "messages[2]"),
    ]


@pytest.mark.parametrize(
    ("source", "media"),
    [
        (
            {"type": "base64", "media_type": "image/png", "data": "aGk="},
            Media(media_type="image/png", data="aGk="),
        ),
        ({"type": "url", "url": "https://x.test/a.png"}, Media(url="https://x.test/a.png")),
        ({"type": "file", "file_id": "file_1"}, Media(file_id="file_1")),
    ],
)
def test_pictures_come_in_every_way(source: Json, media: Media) -> None:
    assert part_of({"type": "image", "source": source}) == Image(media=media)
    inside = parsed(
        user(*texts("Hi")),
        assistant(CALL),
        user({**RESULT, "content": [{"type": "image", "source": source}]}),
    )
    assert inside.turns[-1].parts == (ToolResult(call_id="toolu_1", parts=(Image(media=media),)),)


def test_a_document_keeps_its_title_its_context_and_whether_it_is_cited() -> None:
    block = {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "It rained."},
        "title": "Notes",
        "context": "From Tuesday",
        "citations": {"enabled": True},
    }
    assert part_of(block) == File(
        media=Media(media_type="text/plain", text="It rained."),
        name="Notes",
        context="From Tuesday",
        cited=True,
    )


def test_a_document_of_blocks_is_left_as_it_is() -> None:
    block = {"type": "document", "source": {"type": "content", "content": texts("It rained.")}}
    part = part_of(block)
    assert isinstance(part, Opaque)
    assert part.native["source"] == block["source"]


@pytest.mark.parametrize("kind", ["search_result", "server_tool_use", "web_search_tool_result"])
def test_what_only_anthropic_knows_is_kept_as_it_is(kind: str) -> None:
    block = {"type": kind, "anything": [1]}
    assert part_of(block) == Opaque(dialect="messages", native=block)


def test_a_thought_may_come_back_without_a_signature_that_nobody_gave() -> None:
    thought = {"type": "thinking", "thinking": "Hm."}
    assert part_of(thought, "assistant") == Reasoning(text="Hm.")


def test_a_thought_is_claudes_own() -> None:
    seal = claude_signature("Hm.")
    thought = {"type": "thinking", "thinking": "Hm.", "signature": seal}
    assert part_of(thought, "assistant") == Reasoning(
        text="Hm.", signature=Signature(maker="claude", value=seal)
    )
    hidden = {"type": "redacted_thinking", "data": seal}
    signature = Signature(maker="claude", value=seal, redacted=True)
    assert part_of(hidden, "assistant") == Reasoning(signature=signature)


def test_what_another_provider_signed_comes_back_to_its_call() -> None:
    signed = call("toolu_1", arguments="", signature=foreign())
    thought = {"type": "thinking", "thinking": "", "signature": pack_parts([signed])}
    turns = parsed(user(*texts("Hi")), assistant(thought, CALL), user(RESULT)).turns
    assert turns[1].parts == (call("toolu_1", signature=foreign()),)


@pytest.mark.parametrize("carrier", ["thinking", "redacted_thinking"])
def test_what_another_provider_thought_comes_back_whole(carrier: str) -> None:
    reasoning = Reasoning(text="Hm.", signature=foreign())
    field = {"thinking": "signature", "redacted_thinking": "data"}[carrier]
    block = {"type": carrier, "thinking": "Hm.", field: pack_parts([reasoning])}
    assert part_of(block, "assistant") == reasoning


def test_a_damaged_signature_of_another_provider_is_nobodys() -> None:
    block = {"type": "thinking", "thinking": "Hm.", "signature": "__airouter1_damaged"}
    turns = parsed(user(*texts("Hi")), assistant(block, *texts("Hi."))).turns
    assert turns[1].parts == (Text(text="Hi."),)


def test_a_tool_is_called_with_json_and_its_result_may_be_a_failure() -> None:
    turns = parsed(user(*texts("Hi")), assistant(CALL), user({**RESULT, "is_error": True})).turns
    assert turns[1].parts == (ToolCall(id="toolu_1", name="weather", arguments='{"city":"Oslo"}'),)
    assert turns[2].parts == (
        ToolResult(call_id="toolu_1", parts=(Text(text="Rain"),), failed=True),
    )


@pytest.mark.parametrize(
    ("block", "param"),
    [
        ({"type": "nope"}, "messages[0].content[0].type"),
        ({"type": []}, "messages[0].content[0].type"),
        ({}, "messages[0].content[0]"),
        ({"type": "text"}, "messages[0].content[0].text"),
        ({"type": "text", "text": 5}, "messages[0].content[0].text"),
        ({"type": "image", "source": {"type": "ftp"}}, "messages[0].content[0].source.type"),
        ({"type": "text", "text": "a", "citations": [5]}, "messages[0].content[0].citations[0]"),
        ({"type": "tool_use", "id": "a", "name": "b", "input": 7}, "messages[0].content[0]"),
        (
            {**RESULT, "content": [{"type": "thinking", "thinking": "", "signature": "a"}]},
            "messages[0].content[0].content[0]",
        ),
        ({**RESULT, "content": [{"type": "text"}]}, "messages[0].content[0].content[0].text"),
    ],
)
def test_a_wrong_block_is_named_by_its_place(block: Json, param: str) -> None:
    failure = rejected(user(block))
    assert failure.param is not None
    assert failure.param.startswith(param)


def test_a_citation_that_nobody_knows_is_carried_along() -> None:
    unknown: Json = {"type": ["new"], "cited_text": "rain"}
    part = part_of({"type": "text", "text": "a", "citations": [unknown]}, "assistant")
    assert [each.native for each in part.citations] == [unknown]


@pytest.mark.parametrize("kind", ["tool_reference", "browser_state"])
def test_a_result_may_have_blocks_that_only_anthropic_knows(kind: str) -> None:
    native = {"type": kind, "tool_name": "weather"}
    given = {"type": "tool_result", "tool_use_id": "a", "content": [native]}
    used = {"type": "tool_use", "id": "a", "name": "weather", "input": {}}
    turns = parsed(
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": [used]},
        {"role": "user", "content": [given]},
    ).turns
    said = "The tool 'weather' can be called." if kind == "tool_reference" else None
    part = Opaque(dialect="messages", native=native, said=said)
    assert turns[2].parts == (ToolResult(call_id="a", parts=(part,)),)
