"""What is said, as the messages that Bedrock takes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects.conversation import (
    CachePoint,
    File,
    Image,
    Json,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    Turn,
    Unsupported,
)
from unit.dialects.converse.asking import (
    LLAMA,
    NOVA,
    SONNET,
    asked,
    body_of,
    call,
    foreign,
    messages_of,
    own,
    result,
    said_by,
    say,
)

PNG = Image(media=Media(media_type="image/png", data="aGk="))
PDF = File(media=Media(media_type="application/pdf", data="aGk="), name="a.pdf")
NOTE = File(media=Media(media_type="text/plain", text="Buy milk"), name="note.txt")
CACHED = Text(text="Long.", cache=CachePoint(ttl="1h"))
POINT = {"cachePoint": {"type": "default", "ttl": "1h"}}


def content_of(*parts: Part | str, model: str = SONNET) -> list[Json]:
    (message,) = messages_of(say("user", *parts), model=model)
    content: list[Json] = message["content"]
    return content


def refused(*turns: Turn, model: str = SONNET) -> Unsupported:
    with pytest.raises(Unsupported) as raised:
        body_of(asked(*turns), model)
    return raised.value


# Instructions


def test_instructions_at_the_start_are_the_system_prompt() -> None:
    turns = say("system", "Be brief."), say("developer", "Be kind.", " "), say("user", "Hello")
    body = body_of(asked(*turns))
    assert body["system"] == [{"text": "Be brief."}, {"text": "Be kind."}]
    assert body["messages"] == [said_by("user", {"text": "Hello"})]


def test_later_instructions_are_said_by_the_user() -> None:
    turns = say("user", "Hello"), say("assistant", "Hi"), say("system", "Be brief.")
    assert messages_of(*turns)[-1] == said_by("user", {"text": "Be brief."})


def test_of_instructions_alone_the_last_are_what_the_user_says() -> None:
    body = body_of(asked(say("system", "Be brief."), say("developer", "Greet.")))
    assert body["system"] == [{"text": "Be brief."}]
    assert body["messages"] == [{"role": "user", "content": [{"text": "Greet."}]}]


def test_an_end_without_a_word_is_refused_for_the_model_would_go_on_with_its_own() -> None:
    turns = say("user", "Hello"), say("assistant", "Hi"), say("user", " ")
    assert refused(*turns).field == turns[-1].at


# Turns


def test_neighbours_of_one_role_are_one_message() -> None:
    turns = say("user", "One"), say("user", "Two"), say("assistant", "Three")
    assert messages_of(*turns) == [
        said_by("user", {"text": "One"}, {"text": "Two"}),
        said_by("assistant", {"text": "Three"}),
    ]


@pytest.mark.parametrize(
    "nothing", [Text(text=" \n"), Refusal(text=""), Reasoning(text="Hm.", signature=foreign())]
)
def test_a_turn_of_which_nothing_is_left_does_not_part_its_neighbours(nothing: Part) -> None:
    turns = say("user", "One"), say("assistant", nothing), say("user", "Two")
    assert messages_of(*turns) == [said_by("user", {"text": "One"}, {"text": "Two"})]


def test_the_user_must_speak_first() -> None:
    turns = say("user", " ", at="messages[0]"), say("assistant", "Hi", at="messages[1]")
    found = refused(*turns, say("user", "Hello"), model=LLAMA)
    assert (found.field, found.why) == ("messages[1]", "needs the user to speak first")


def test_claude_may_speak_first() -> None:
    assert messages_of(say("assistant", "Hi"), say("user", "Hello"))[0]["role"] == "assistant"


def test_a_part_that_only_another_dialect_knows_is_refused() -> None:
    opaque = Opaque(dialect="messages", native={"type": "web_search_tool_result"})
    assert refused(say("user", opaque)).field == "messages[1]"


def test_a_refusal_is_what_the_model_said() -> None:
    turns = say("user", "Go."), say("assistant", Refusal(text="I will not.")), say("user", "Why?")
    assert messages_of(*turns)[1] == said_by("assistant", {"text": "I will not."})


# Reasoning


def test_its_own_reasoning_goes_back_as_it_came() -> None:
    parts = (
        Reasoning(text="Hm.", signature=own()),
        Reasoning(signature=own("c2VjcmV0", redacted=True)),
    )
    turns = say("user", "Go."), say("assistant", *parts, "Done."), say("user", "Thanks.")
    assert messages_of(*turns)[1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2lnbmVk"}}},
        {"reasoningContent": {"redactedContent": "c2VjcmV0"}},
        {"text": "Done."},
    ]


@pytest.mark.parametrize(
    "thought", [Reasoning(text="Hm."), Reasoning(text="Hm.", signature=foreign())]
)
def test_reasoning_of_another_model_stays_behind(thought: Reasoning) -> None:
    turns = say("user", "Go."), say("assistant", thought, "Done."), say("user", "Thanks.")
    assert messages_of(*turns)[1] == said_by("assistant", {"text": "Done."})


# Cache points


def test_a_prompt_is_cached_up_to_where_the_client_said() -> None:
    turns = say("system", CACHED), say("user", CACHED, "Hello")
    body = body_of(asked(*turns))
    assert body["system"] == [{"text": "Long."}, POINT]
    assert body["messages"][0]["content"] == [{"text": "Long."}, POINT, {"text": "Hello"}]


def test_nothing_is_cached_right_after_a_document() -> None:
    cached = File(media=PDF.media, name="a.pdf", cache=CachePoint())
    kinds = [next(iter(block)) for block in content_of(cached, "Read it.")]
    assert kinds == ["document", "text"]


def test_a_blank_text_leaves_no_cache_point_behind() -> None:
    assert content_of(Text(text=" ", cache=CachePoint()), "Hello") == [{"text": "Hello"}]


@pytest.mark.parametrize(
    ("model", "cached"),
    [
        (SONNET, True),
        (NOVA, True),
        (LLAMA, False),
        ("anthropic.claude-3-haiku-20240307-v1:0", False),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", True),
    ],
)
def test_models_that_refuse_cache_points_get_none(model: str, cached: bool) -> None:
    assert (POINT in content_of(CACHED, model=model)) == cached
    assert (POINT in body_of(asked(say("system", CACHED), say("user", "Hi")), model)["system"]) == (
        cached
    )


# Calls and their results


def test_the_results_of_a_turn_come_first_and_together() -> None:
    turns = (
        say("user", "Go."),
        say("assistant", "Looking.", call("1"), call("2")),
        say("user", result("1", "Sun")),
        say("user", "And?"),
        say("user", result("2", PNG)),
    )
    _, asking, answer = messages_of(*turns)
    assert asking["content"][1]["toolUse"] == {
        "toolUseId": "1",
        "name": "weather",
        "input": {"city": "Oslo"},
    }
    assert answer == said_by(
        "user",
        {"toolResult": {"toolUseId": "1", "content": [{"text": "Sun"}]}},
        {
            "toolResult": {
                "toolUseId": "2",
                "content": [{"image": {"format": "png", "source": {"bytes": "aGk="}}}],
            }
        },
        {"text": "And?"},
    )


@pytest.mark.parametrize("parts", [(), ("",), (" \n", "")])
def test_a_result_is_never_empty(parts: tuple[str, ...]) -> None:
    turns = say("user", "Go."), say("assistant", call("1")), say("user", result("1", *parts))
    (block,) = messages_of(*turns)[2]["content"]
    assert block["toolResult"]["content"] == [{"text": "(no output)"}]


def test_a_failed_call_is_said_to_have_failed() -> None:
    given = result("1", "Timeout", failed=True)
    turns = say("user", "Go."), say("assistant", call("1")), say("user", given)
    assert messages_of(*turns)[2]["content"][0]["toolResult"]["status"] == "error"


@pytest.mark.parametrize("id_", ["x" * 65, "call|1", "__airouter1_" + "A" * 300, "é"])
def test_an_id_that_bedrock_refuses_is_replaced_in_both_places(id_: str) -> None:
    turns = say("user", "Go."), say("assistant", call(id_)), say("user", result(id_, "Sun"))
    _, asking, answer = messages_of(*turns)
    new = asking["content"][0]["toolUse"]["toolUseId"]
    assert new == answer["content"][0]["toolResult"]["toolUseId"] != id_
    assert messages_of(*turns)[1] == asking


def test_an_id_that_bedrock_takes_is_kept() -> None:
    id_ = "tooluse_a.b:c-1"
    turns = say("user", "Go."), say("assistant", call(id_)), say("user", result(id_, "Sun"))
    assert messages_of(*turns)[1]["content"][0]["toolUse"]["toolUseId"] == id_


@pytest.mark.parametrize("arguments", ["", " ", "{}"])
def test_no_arguments_are_an_empty_object(arguments: str) -> None:
    asking = call("1", arguments=arguments)
    turns = say("user", "Go."), say("assistant", asking), say("user", result("1", "Sun"))
    assert messages_of(*turns)[1]["content"][0]["toolUse"]["input"] == {}


@pytest.mark.parametrize("arguments", ["{", "[]", "7", '"Oslo"', "[" * 5000])
def test_arguments_that_are_no_object_are_wrapped_in_one(arguments: str) -> None:
    asking = call("1", arguments=arguments)
    turns = say("user", "Go."), say("assistant", asking), say("user", result("1", "Sun"))
    given = messages_of(*turns)[1]["content"][0]["toolUse"]["input"]
    assert given == {"INVALID_JSON": arguments}


def test_the_text_of_a_custom_tool_is_its_input() -> None:
    asking = call("1", arguments="SELECT 1", custom=True)
    turns = say("user", "Go."), say("assistant", asking), say("user", result("1", "1"))
    assert messages_of(*turns)[1]["content"][0]["toolUse"]["input"] == {"input": "SELECT 1"}


def test_llama_takes_nothing_beside_results() -> None:
    turns = [say("user", "Go."), say("assistant", call("1")), say("user", result("1", "Sun"))]
    assert len(messages_of(*turns, model=LLAMA)) == 3
    found = refused(*turns, say("user", PNG), model=LLAMA)
    assert (found.field, "results" in found.why) == ("messages[1]", True)


def test_llama_is_told_at_the_end_of_a_result_what_is_said_beside_it() -> None:
    turns = say("user", "Go."), say("assistant", call("1")), say("user", result("1", "Sun"), "Now?")
    (block,) = messages_of(*turns, model=LLAMA)[-1]["content"]
    assert block["toolResult"]["content"] == [{"text": "Sun"}, {"text": "Now?"}]


# All of it

TEXTS = st.sampled_from(["Hello", "", " \n", "Grüße ☀"])
SPOKEN: st.SearchStrategy[Part] = st.one_of(
    TEXTS.map(lambda text: Text(text=text)),
    TEXTS.map(lambda text: Text(text=text, cache=CachePoint())),
)
SAID: st.SearchStrategy[Part] = st.one_of(
    SPOKEN,
    TEXTS.map(lambda text: Refusal(text=text)),
    st.sampled_from([own(), foreign()]).map(lambda by: Reasoning(text="Hm.", signature=by)),
)
SHOWN: st.SearchStrategy[Any] = st.one_of(SPOKEN, st.sampled_from([PNG, PDF, NOTE]))


@st.composite
def exchanges(draw: st.DrawFn) -> list[Turn]:
    """What one side and the other say in turn, with all that a client may do."""
    turns = [say("user", "Hello")]
    for number in range(draw(st.integers(0, 5))):
        turns.append(say("assistant", *draw(st.lists(SAID, max_size=3))))
        if draw(st.booleans()):
            ids = [f"call|{number}|{at}" for at in range(draw(st.integers(1, 2)))]
            turns.append(say("assistant", *(call(id_) for id_ in ids)))
            results = [result(id_, *draw(st.lists(SHOWN, max_size=2))) for id_ in ids]
            turns.append(say("user", *results))
        turns.append(say("user", *draw(st.lists(SHOWN, max_size=3))))
        turns.append(say("developer", *draw(st.lists(SPOKEN, max_size=2))))
    return [*turns, say("user", "Go on")]


@given(exchanges())
def test_whatever_is_said_bedrock_takes_it(turns: list[Turn]) -> None:
    assert messages_of(*turns)
