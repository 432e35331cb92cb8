"""What clients of Anthropic may send, and what they are told when it is wrong."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import (
    CachePoint,
    File,
    Format,
    HostedTool,
    Image,
    Json,
    Media,
    Opaque,
    Reasoning,
    Signature,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from airouter.dialects.messages import CLIENT, COUNTER
from airouter.dialects.provenance import pack
from airouter.failures import Failure
from unit.dialects.messages.asking import call, foreign, parsed, texts

CALL: Json = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}
RESULT: Json = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Rain"}
TOOL: Json = {"name": "weather", "input_schema": {"type": "object"}}


def user(*blocks: Json) -> Json:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Json) -> Json:
    return {"role": "assistant", "content": list(blocks)}


def part_of(block: Json, role: str = "user") -> Any:
    (part,) = parsed({"role": role, "content": [block]}).turns[-1].parts
    return part


def refused(*messages: Json, **more: Any) -> Failure:
    with pytest.raises(Failure) as failed:
        parsed(*messages, **more)
    assert failed.value.status == 400
    return failed.value


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
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    assert part_of(thought, "assistant") == Reasoning(
        text="Hm.", signature=Signature(maker="claude", value="c2ln")
    )
    hidden = {"type": "redacted_thinking", "data": "c2ln"}
    signature = Signature(maker="claude", value="c2ln", redacted=True)
    assert part_of(hidden, "assistant") == Reasoning(signature=signature)


def test_what_another_provider_signed_comes_back_to_its_call() -> None:
    signed = call("toolu_1", arguments="", signature=foreign())
    thought = {"type": "thinking", "thinking": "", "signature": pack([signed])}
    turns = parsed(user(*texts("Hi")), assistant(thought, CALL), user(RESULT)).turns
    assert turns[1].parts == (call("toolu_1", signature=foreign()),)


@pytest.mark.parametrize("carrier", ["thinking", "redacted_thinking"])
def test_what_another_provider_thought_comes_back_whole(carrier: str) -> None:
    reasoning = Reasoning(text="Hm.", signature=foreign())
    field = {"thinking": "signature", "redacted_thinking": "data"}[carrier]
    block = {"type": carrier, "thinking": "Hm.", field: pack([reasoning])}
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
        ({"output_config": {"effort": "max"}}, Thinking(effort="max")),
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
    failure = refused(**given)
    assert failure.param is not None
    assert failure.param.startswith(param)


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
        ({"type": "tool_use", "id": "a", "name": "b", "input": "{}"}, "messages[0].content[0]"),
        (
            {**RESULT, "content": [{"type": "thinking", "thinking": "", "signature": "a"}]},
            "messages[0].content[0].content[0]",
        ),
        ({**RESULT, "content": [{"type": "text"}]}, "messages[0].content[0].content[0].text"),
    ],
)
def test_a_wrong_block_is_named_by_its_place(block: Json, param: str) -> None:
    failure = refused(user(block))
    assert failure.param is not None
    assert failure.param.startswith(param)


def test_a_citation_that_nobody_knows_is_carried_along() -> None:
    unknown: Json = {"type": ["new"], "cited_text": "rain"}
    part = part_of({"type": "text", "text": "a", "citations": [unknown]}, "assistant")
    assert [each.native for each in part.citations] == [unknown]


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
    assert (refused(*messages).param or "").startswith("messages[")


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
    assert turns[2].parts == (
        ToolResult(call_id="a", parts=(Opaque(dialect="messages", native=native),)),
    )
