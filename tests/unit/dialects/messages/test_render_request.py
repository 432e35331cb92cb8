"""What Anthropic is asked, whoever asks, and what it cannot be asked."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import (
    CachePoint,
    Citation,
    Conversation,
    Destination,
    File,
    Format,
    Hints,
    HostedTool,
    Image,
    Json,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    Unsupported,
)
from airouter.dialects.messages import CLIENT, UPSTREAM
from airouter.failures import Failure
from unit.dialects.messages.asking import (
    HERE,
    NEWEST,
    OLDER,
    OLDEST,
    SONNET,
    WEATHER,
    asked,
    body_of,
    call,
    foreign,
    messages_of,
    own,
    result,
    say,
    texts,
)

SCHEMA: Json = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
WANTED = Format(kind="json_schema", name="number", schema=SCHEMA)
FORCED = ToolChoice(mode="required")


def refused(conversation: Conversation, model: str = SONNET) -> str:
    with pytest.raises(Unsupported) as unsupported:
        UPSTREAM.render_request(conversation, Destination(model=model, maker=HERE))
    return unsupported.value.field


def test_instructions_stand_before_the_messages() -> None:
    kept = Text(text="long", cache=CachePoint(ttl="1h"))
    body = body_of(asked(say("system", "short", kept), say("developer", "more"), say("user", "Hi")))
    cached = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert body["system"] == [*texts("short"), cached, *texts("more")]
    assert body["messages"] == [{"role": "user", "content": texts("Hi")}]


def test_neighbours_of_one_role_become_one_message_with_results_first() -> None:
    messages = messages_of(
        say("user", "Hi"),
        say("assistant", call("a")),
        say("assistant", call("b")),
        say("user", "And?"),
        say("user", result("a", "Rain")),
        say("user", result("b", "Sun", failed=True)),
    )
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    kinds = [block["type"] for block in messages[2]["content"]]
    assert kinds == ["tool_result", "tool_result", "text"]
    assert messages[2]["content"][1]["is_error"]


@pytest.mark.parametrize(
    ("model", "roles"),
    [
        (SONNET, ["user", "assistant", "user"]),
        (NEWEST, ["user", "assistant", "user", "system"]),
    ],
)
def test_later_instructions_stay_where_the_model_takes_them(model: str, roles: list[str]) -> None:
    messages = messages_of(
        say("user", "Hi"),
        say("assistant", "Hello."),
        say("user", "Go on"),
        say("developer", "Be brief."),
        model=model,
    )
    assert [message["role"] for message in messages] == roles


@pytest.mark.parametrize("after", ["user", None])
def test_later_instructions_in_another_place_are_said_by_the_user(after: Any) -> None:
    more = [say(after, "Go on")] if after else []
    messages = messages_of(
        say("user", "Hi"),
        say("assistant", "Hello."),
        say("system", "Be brief."),
        *more,
        model=NEWEST,
    )
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[2]["content"] == texts("Be brief.", *(["Go on"] if after else []))


def test_instructions_between_words_of_the_user_are_said_by_the_user() -> None:
    messages = messages_of(
        say("user", "Hi"), say("system", "Be brief."), say("user", "Go"), model=NEWEST
    )
    assert messages == [{"role": "user", "content": texts("Hi", "Be brief.", "Go")}]


def test_instructions_between_a_call_and_its_result_do_not_part_them() -> None:
    messages = messages_of(
        say("user", "Hi"),
        say("assistant", call()),
        say("system", "Be brief."),
        say("user", result("call_1", "Rain")),
        model=NEWEST,
    )
    assert [block["type"] for block in messages[2]["content"]] == ["tool_result", "text"]


def test_blank_texts_are_left_out() -> None:
    messages = messages_of(say("user", " ", "Hi"), say("assistant", "\n"), say("user", "Ho"))
    assert [message["content"] for message in messages] == [texts("Hi"), texts("Ho")]
    turns = (say("assistant", Refusal(text="")), say("user", "Ho"))
    assert messages_of(say("user", "Hi"), *turns)[-1]["content"] == texts("Ho")


def test_a_result_without_words_has_no_content() -> None:
    messages = messages_of(
        say("user", "Hi"), say("assistant", call()), say("user", result("call_1", ""))
    )
    assert messages[-1]["content"] == [{"type": "tool_result", "tool_use_id": "call_1"}]


def test_a_refusal_is_said_again() -> None:
    messages = messages_of(
        say("user", "Hi"), say("assistant", Refusal(text="No.")), say("user", "?")
    )
    assert messages[1]["content"] == texts("No.")


@pytest.mark.parametrize("id_", ["call.1", "x" * 65, "", "ü", "a\n"])
def test_foreign_ids_of_calls_are_replaced_alike_in_call_and_result(id_: str) -> None:
    messages = messages_of(
        say("user", "Hi"), say("assistant", call(id_)), say("user", result(id_, "Rain"))
    )
    made = messages[1]["content"][0]["id"]
    assert made.startswith("toolu_")
    assert messages[2]["content"][0]["tool_use_id"] == made


@pytest.mark.parametrize(
    ("arguments", "given"), [("", {}), (" ", {}), ("{}", {}), ('{"a": [1]}', {"a": [1]})]
)
def test_arguments_become_an_object(arguments: str, given: Json) -> None:
    messages = messages_of(
        say("user", "Hi"), say("assistant", call(arguments=arguments)), say("user", result())
    )
    assert messages[1]["content"][0]["input"] == given


@pytest.mark.parametrize("arguments", ["{", "[1]", "null", "NaN"])
def test_arguments_that_are_no_object_are_the_clients_fault(arguments: str) -> None:
    turns = (say("user", "Hi"), say("assistant", call(arguments=arguments)), say("user", result()))
    with pytest.raises(Failure) as failed:
        UPSTREAM.render_request(asked(*turns), Destination(model=SONNET))
    assert (failed.value.status, failed.value.param) == (400, "messages[1]")


def test_a_history_with_calls_has_tools_though_none_may_be_called() -> None:
    turns = (say("user", "Hi"), say("assistant", call()), say("user", result("call_1", "Rain")))
    body = body_of(asked(*turns))
    assert [tool["name"] for tool in body["tools"]] == ["weather"]
    assert body["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ({}, None),
        ({"tool_choice": ToolChoice(mode="auto")}, {"type": "auto"}),
        ({"tool_choice": ToolChoice(mode="none")}, {"type": "none"}),
        ({"tool_choice": FORCED}, {"type": "any"}),
        (
            {"tool_choice": ToolChoice(mode="required", names=("weather",))},
            {"type": "tool", "name": "weather"},
        ),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"tool_choice": FORCED, "parallel_tool_calls": False},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_a_tool_is_chosen_in_anthropics_words(given: Json, choice: Json | None) -> None:
    assert body_of(asked(tools=(WEATHER,), **given)).get("tool_choice") == choice


def test_a_custom_tool_takes_one_text() -> None:
    body = body_of(asked(tools=(Tool(name="shell", custom=True),)))
    assert body["tools"][0]["input_schema"]["required"] == ["input"]
    turns = (
        say("user", "Hi"),
        say("assistant", call(name="shell", arguments="ls -l", custom=True)),
        say("user", result()),
    )
    assert messages_of(*turns)[1]["content"][0]["input"] == {"input": "ls -l"}


def test_a_strict_tool_is_closed() -> None:
    tool = msgspec.structs.replace(WEATHER, strict=True)
    (native,) = body_of(asked(tools=(tool,)))["tools"]
    assert native["strict"]
    assert native["input_schema"]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("media", "source"),
    [
        (
            Media(media_type="image/png", data="aGk="),
            {"type": "base64", "media_type": "image/png", "data": "aGk="},
        ),
        (Media(url="https://x.test/a.png"), {"type": "url", "url": "https://x.test/a.png"}),
    ],
)
def test_pictures_go_as_bytes_or_as_an_address(media: Media, source: Json) -> None:
    messages = messages_of(say("user", Image(media=media)))
    assert messages[0]["content"] == [{"type": "image", "source": source}]


def test_files_become_documents() -> None:
    pdf = File(media=Media(media_type="application/pdf", data="aGk="), name="a.pdf")
    note = File(media=Media(media_type="text/markdown", text="# It rained"), cited=True)
    blocks = messages_of(say("user", pdf, note))[0]["content"]
    assert [block["source"]["type"] for block in blocks] == ["base64", "text"]
    assert blocks[0]["title"] == "a.pdf"
    assert blocks[1]["citations"] == {"enabled": True}


def test_a_file_of_plain_text_is_text_though_it_comes_as_bytes() -> None:
    note = File(media=Media(media_type="text/csv", data="YSxiCg=="), name="a.csv")
    (block,) = messages_of(say("user", note))[0]["content"]
    assert block["source"] == {"type": "text", "media_type": "text/plain", "data": "a,b\n"}


def test_own_citations_return_and_those_of_others_stay_behind() -> None:
    native = {
        "type": "char_location",
        "cited_text": "rain",
        "document_index": 0,
        "document_title": None,
        "start_char_index": 0,
        "end_char_index": 4,
    }
    cited = Text(
        text="It rained.",
        citations=(
            Citation(dialect="messages", native=native),
            Citation(url="https://x.test", dialect="chat"),
        ),
    )
    (block,) = messages_of(say("user", "Hi"), say("assistant", cited), say("user", "?"))[1][
        "content"
    ]
    assert block["citations"] == [native]


def test_own_thoughts_return_in_their_order_and_those_of_others_stay_behind() -> None:
    messages = messages_of(
        say("user", "Hi"),
        say(
            "assistant",
            Reasoning(text="A", signature=own("YQ==")),
            Reasoning(signature=own("Yg==", redacted=True)),
            Reasoning(text="C", signature=foreign()),
            Reasoning(text="D"),
            "Hello.",
        ),
        say("user", "Go on"),
    )
    assert messages[1]["content"] == [
        {"type": "thinking", "thinking": "A", "signature": "YQ=="},
        {"type": "redacted_thinking", "data": "Yg=="},
        *texts("Hello."),
    ]


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


def test_no_tool_is_forced_on_a_model_that_thinks_by_budget() -> None:
    forced = asked(tools=(WEATHER,), tool_choice=FORCED, thinking=Thinking(mode="on", budget=2048))
    assert refused(forced) == "tool_choice"


@pytest.mark.parametrize("model", [SONNET, NEWEST])
def test_an_answer_is_held_to_a_schema_that_anthropic_takes(model: str) -> None:
    format_ = body_of(asked(format=WANTED), model)["output_config"]["format"]
    assert format_["type"] == "json_schema"
    assert format_["schema"]["additionalProperties"] is False
    assert "minimum" not in format_["schema"]["properties"]["n"]


def test_a_model_without_schemas_answers_by_a_tool() -> None:
    body = body_of(asked(format=WANTED), OLDEST)
    assert [tool["input_schema"] for tool in body["tools"]] == [SCHEMA]
    assert body["tool_choice"] == {"type": "tool", "name": body["tools"][0]["name"]}
    both = body_of(asked(format=WANTED, tools=(WEATHER,)), OLDEST)
    assert len(both["tools"]) == 2
    assert both["tool_choice"] == {"type": "any"}


def test_a_tool_of_the_past_cannot_be_called_in_place_of_the_answer() -> None:
    turns = (say("user", "Hi"), say("assistant", call()), say("user", result("call_1", "Rain")))
    body = body_of(asked(*turns, format=WANTED), OLDEST)
    assert body["tool_choice"]["type"] == "tool"


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
        (
            {"tools": (WEATHER,), "tool_choice": ToolChoice(mode="auto", names=("weather",))},
            "tool_choice",
        ),
    ],
)
def test_what_anthropic_cannot_do_is_refused_by_name(given: Json, field: str) -> None:
    assert refused(asked(**given)) == field


@pytest.mark.parametrize(
    "part",
    [
        Opaque(dialect="responses", native={}),
        File(media=Media(media_type="application/zip", data="aGk=")),
        Image(media=Media(media_type="image/tiff", data="aGk=")),
    ],
)
def test_a_part_that_anthropic_cannot_take_is_refused_by_its_place(part: Any) -> None:
    assert refused(asked(say("user", part, at="messages[4]"))) == "messages[4]"


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
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "c2lo"},
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
