"""Turns as the messages that Anthropic takes."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.conversation import (
    CachePoint,
    Citation,
    File,
    Image,
    Json,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Text,
)
from unit.dialects.messages.asking import (
    NEWEST,
    SONNET,
    asked,
    body_of,
    call,
    foreign,
    messages_of,
    own,
    refused,
    result,
    say,
    texts,
)


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
def test_arguments_that_are_no_object_are_wrapped_in_one(arguments: str) -> None:
    messages = messages_of(
        say("user", "Hi"), say("assistant", call(arguments=arguments)), say("user", result())
    )
    assert messages[1]["content"][0]["input"] == {"INVALID_JSON": arguments}


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
    "part",
    [
        Opaque(dialect="responses", native={}),
        File(media=Media(media_type="application/zip", data="aGk=")),
        Image(media=Media(media_type="image/tiff", data="aGk=")),
    ],
)
def test_a_part_that_anthropic_cannot_take_is_refused_by_its_place(part: Any) -> None:
    assert refused(asked(say("user", part, at="messages[4]"))) == "messages[4]"
