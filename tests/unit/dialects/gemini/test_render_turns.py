"""What is said, as the contents that Gemini takes."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.conversation import (
    Audio,
    File,
    Image,
    Json,
    Media,
    Opaque,
    Part,
    Refusal,
    ToolCall,
    ToolResult,
    Turn,
    Unsupported,
)
from airouter.dialects.gemini import UPSTREAM, VERTEX
from unit.dialects.gemini.asking import (
    OLDER,
    asked,
    body_of,
    call,
    contents_of,
    result,
    said_by,
    say,
)

PNG = Image(media=Media(media_type="image/png", data="aGk="))
PDF = File(media=Media(media_type="application/pdf", data="aGk="), name="a.pdf")
NOTE = File(media=Media(media_type="text/plain", text="Buy milk"), name="note.txt")


def step(asked_for: ToolCall, given: ToolResult) -> list[Turn]:
    return [say("user", "Go."), say("assistant", asked_for), say("user", given)]


def responses_to(*turns: Turn, model: str = OLDER) -> list[Json]:
    return [
        part["functionResponse"]
        for content in contents_of(*turns, model=model)
        for part in content["parts"]
        if "functionResponse" in part
    ]


def test_instructions_at_the_start_are_the_system_instruction() -> None:
    turns = say("system", "Be brief."), say("developer", "Be kind."), say("user", "Hello")
    body = body_of(asked(*turns))
    assert body["systemInstruction"] == {"parts": [{"text": "Be brief.\n\nBe kind."}]}
    assert body["contents"] == [said_by("user", {"text": "Hello"})]


def test_later_instructions_are_said_by_the_user() -> None:
    turns = say("user", "Hello"), say("assistant", "Hi"), say("system", "Be brief.")
    assert contents_of(*turns)[-1] == said_by("user", {"text": "Be brief."})


def test_neighbours_of_one_role_are_one_content() -> None:
    turns = say("user", "One"), say("user", "Two"), say("assistant", "Three")
    assert contents_of(*turns) == [
        said_by("user", {"text": "One"}, {"text": "Two"}),
        said_by("model", {"text": "Three"}),
    ]


def test_nothing_empty_is_sent() -> None:
    turns = say("user", "Hello", ""), say("assistant", "", Refusal(text="")), say("user", "Go on")
    contents = contents_of(*turns)
    assert [part for content in contents for part in content["parts"]] == [
        {"text": "Hello"},
        {"text": "Go on"},
    ]


@pytest.mark.parametrize("turns", [[say("system", "")], [say("user", "")]])
def test_a_conversation_in_which_nobody_says_anything_is_refused(turns: list[Turn]) -> None:
    with pytest.raises(Unsupported) as refused:
        body_of(asked(*turns))
    assert refused.value.field == turns[-1].at


@pytest.mark.parametrize(
    ("part", "written"),
    [
        (PNG, {"inlineData": {"mimeType": "image/png", "data": "aGk="}}),
        (PDF, {"inlineData": {"mimeType": "application/pdf", "data": "aGk="}}),
        (NOTE, {"text": "note.txt:\nBuy milk"}),
        (
            Audio(data="aGk=", format="mp3"),
            {"inlineData": {"mimeType": "audio/mp3", "data": "aGk="}},
        ),
        (
            Audio(data="aGk=", format="flac"),
            {"inlineData": {"mimeType": "audio/flac", "data": "aGk="}},
        ),
        (
            File(media=Media(url="gs://bucket/a.pdf", media_type="application/pdf")),
            {"fileData": {"fileUri": "gs://bucket/a.pdf", "mimeType": "application/pdf"}},
        ),
        (
            Image(media=Media(url="https://generativelanguage.googleapis.com/v1beta/files/a")),
            {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/a"}},
        ),
        (Refusal(text="I will not."), {"text": "I will not."}),
        (
            Opaque(dialect="gemini", native={"executableCode": {"code": "1"}}),
            {"executableCode": {"code": "1"}},
        ),
    ],
)
def test_a_part_is_written_in_google_s_words(part: Part, written: Json) -> None:
    assert contents_of(say("user", part)) == [said_by("user", written)]


def test_what_there_is_to_know_of_a_document_comes_before_it() -> None:
    told = File(media=PDF.media, name="a.pdf", context="From 1998.")
    (content,) = contents_of(say("user", told))
    assert content["parts"] == [
        {"text": "From 1998."},
        {"inlineData": {"mimeType": "application/pdf", "data": "aGk="}},
    ]


@pytest.mark.parametrize(
    "part",
    [
        File(media=PDF.media, cited=True),
        File(media=Media(file_id="file-abc")),
        Image(media=Media(data="aGk=")),
        Image(media=Media(url="https://example.com/a.png")),
        Audio(id="audio_1"),
        Opaque(dialect="messages", native={"type": "search_result"}),
    ],
)
def test_what_gemini_cannot_take_is_refused_by_its_turn(part: Part) -> None:
    with pytest.raises(Unsupported) as refused:
        contents_of(say("user", part))
    assert refused.value.field == "messages[1]"


@pytest.mark.parametrize("fetches", [UPSTREAM.fetches, VERTEX.fetches])
def test_urls_are_fetched_unless_google_has_what_they_name(fetches: Any) -> None:
    urls = ["https://example.com/a.png", "http://example.com/b.pdf", "https://youtube.example/c"]
    known = [
        "gs://bucket/a.png",
        "https://generativelanguage.googleapis.com/v1beta/files/a",
        "https://www.youtube.com/watch?v=a",
        "https://youtu.be/a",
    ]
    parts = [Image(media=Media(url=url)) for url in urls + known]
    turns = say("user", "Look:", *parts[:2], PNG), say("user", result("1", *parts[2:]))
    assert fetches(asked(*turns)) == urls


def test_a_call_and_its_result_name_the_tool() -> None:
    contents = contents_of(
        say("user", "How is the weather?"),
        say("assistant", "I look.", call()),
        say("user", result("1", "Rain"), "Thanks"),
        model=OLDER,
    )
    assert contents[1:] == [
        said_by(
            "model",
            {"text": "I look."},
            {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}},
        ),
        said_by(
            "user",
            {"functionResponse": {"name": "weather", "response": {"result": "Rain"}}},
            {"text": "Thanks"},
        ),
    ]


def test_results_stand_in_the_order_of_their_calls_in_one_content() -> None:
    contents = contents_of(
        say("user", "Compare."),
        say("assistant", call("a", "first"), call("b", "second"), call("c", "first")),
        say("user", result("c", "3")),
        say("user", result("b", "2"), "And?"),
        say("user", result("a", "1")),
        model=OLDER,
    )
    assert [part.get("functionResponse", part) for part in contents[-1]["parts"]] == [
        {"name": "first", "response": {"result": "1"}},
        {"name": "second", "response": {"result": "2"}},
        {"name": "first", "response": {"result": "3"}},
        {"text": "And?"},
    ]


def test_an_id_that_comes_again_names_the_tool_of_the_call_before() -> None:
    turns = [
        say("user", "Go."),
        say("assistant", call("1", "first"), call("2", "second")),
        say("user", result("1", "a"), result("2", "b")),
        say("assistant", call("2", "third"), call("1", "fourth")),
        say("user", result("1", "d"), result("2", "c")),
    ]
    assert [(each["name"], each["response"]["result"]) for each in responses_to(*turns)] == [
        ("first", "a"),
        ("second", "b"),
        ("third", "c"),
        ("fourth", "d"),
    ]


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ("", {}),
        ("  ", {}),
        ("{}", {}),
        ('{"a":[1,{"b":null}]}', {"a": [1, {"b": None}]}),
        ('{"n":123456789012345678901}', {"n": 123456789012345678901}),
    ],
)
def test_arguments_are_an_object(arguments: str, args: Json) -> None:
    turns = step(call(arguments=arguments), result("1"))
    assert contents_of(*turns, model=OLDER)[1]["parts"][0]["functionCall"]["args"] == args


@pytest.mark.parametrize("arguments", ["[]", '"text"', "{broken", "[" * 200_000])
def test_arguments_that_are_no_object_are_wrapped_in_one(arguments: str) -> None:
    contents = contents_of(*step(call(arguments=arguments), result("1")))
    called = next(part for each in contents for part in each["parts"] if "functionCall" in part)
    assert called["functionCall"]["args"] == {"INVALID_JSON": arguments}


def test_what_a_custom_tool_was_told_is_its_input() -> None:
    told = ToolCall(id="1", name="shell", arguments="ls -l", custom=True)
    contents = contents_of(*step(told, result("1", "a")), model=OLDER)
    assert contents[1]["parts"][0]["functionCall"] == {"name": "shell", "args": {"input": "ls -l"}}


@pytest.mark.parametrize(
    ("parts", "failed", "response"),
    [
        (["Rain"], False, {"result": "Rain"}),
        (["Rain", "Snow"], False, {"result": "Rain\nSnow"}),
        (['{"sky":"grey"}'], False, {"sky": "grey"}),
        (["[1,2]"], False, {"result": "[1,2]"}),
        (["{}"], False, {}),
        (["7"], False, {"result": "7"}),
        ([], False, {"result": ""}),
        (["No such city"], True, {"error": "No such city"}),
        (['{"code":7}'], True, {"error": '{"code":7}'}),
        ([NOTE], False, {"result": "Buy milk"}),
        ([File(media=NOTE.media, context="Old.")], False, {"result": "Old.\nBuy milk"}),
        (["[" * 200_000], False, {"result": "[" * 200_000}),
    ],
)
def test_what_a_tool_gave_is_an_object(parts: list[Any], failed: bool, response: Json) -> None:
    turns = step(call(), result("1", *parts, failed=failed))
    assert responses_to(*turns) == [{"name": "weather", "response": response}]


def test_a_gemini_of_the_third_generation_sees_what_a_tool_drew() -> None:
    turns = step(call(), result("1", "Here:", PNG))
    (response,) = responses_to(*turns, model="gemini-3-pro-preview")
    assert response["response"] == {"result": "Here:"}
    assert response["parts"] == [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]


def test_an_older_one_is_shown_it_after_all_results() -> None:
    """As recorded requests have it that the service answered."""
    calls = say("assistant", call("1"), call("2", "look"))
    given = say("user", result("1", "Here:", PNG), result("2", PDF), "Well?")
    contents = contents_of(say("user", "Go."), calls, given, model=OLDER)
    assert contents[2]["parts"] == [
        {"functionResponse": {"name": "weather", "response": {"result": "Here:"}}},
        {"functionResponse": {"name": "look", "response": {"result": ""}}},
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
        {"inlineData": {"mimeType": "application/pdf", "data": "aGk="}},
        {"text": "Well?"},
    ]


@pytest.mark.parametrize(
    ("part", "model"),
    [
        (File(media=NOTE.media, cited=True), OLDER),
        (Opaque(dialect="messages", native={}), "gemini-3-pro-preview"),
    ],
)
def test_what_a_tool_may_not_give_is_refused(part: Part, model: str) -> None:
    turns = step(call(), result("1", part))
    with pytest.raises(Unsupported, match=r"messages\[1\]"):
        contents_of(*turns, model=model)
