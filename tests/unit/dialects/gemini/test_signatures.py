"""What Gemini signed goes back to where it stood; nobody else's does."""

from __future__ import annotations

import base64

import pytest

from airouter.dialects.conversation import Image, Media, Reasoning, Signature, Text, Turn
from unit.dialects.gemini.asking import (
    FLASH,
    OLDER,
    call,
    contents_of,
    foreign,
    own,
    result,
    say,
)

SIGNED = "c2lnbmVk"
DUMMY = base64.b64encode(b"skip_thought_signature_validator").decode()


def signatures(*turns: Turn, model: str = FLASH) -> list[list[str | None]]:
    """Of the calls of each content that has some."""
    found = [
        [part.get("thoughtSignature") for part in content["parts"] if "functionCall" in part]
        for content in contents_of(*turns, model=model)
    ]
    return [each for each in found if each]


def test_a_text_carries_its_own_signature_and_stays_apart() -> None:
    turn = say(
        "assistant", "One", Text(text="Two", signature=own()), Text(text="", signature=own())
    )
    assert contents_of(say("user", "Count."), turn)[1]["parts"] == [
        {"text": "One"},
        {"text": "Two", "thoughtSignature": SIGNED},
        {"text": "", "thoughtSignature": SIGNED},
    ]


def test_a_foreign_signature_is_left_out() -> None:
    turn = say(
        "assistant", Text(text="Hi", signature=foreign()), Text(text="", signature=foreign())
    )
    assert contents_of(say("user", "Hello"), turn)[1]["parts"] == [{"text": "Hi"}]


def test_reasoning_goes_back_only_where_gemini_signed_it() -> None:
    turn = say(
        "assistant",
        Reasoning(text="Hm.", signature=own()),
        Reasoning(text="Hmm."),
        Reasoning(text="Well.", signature=foreign()),
        "Hi",
    )
    assert contents_of(say("user", "Hello"), turn)[1]["parts"] == [
        {"text": "Hm.", "thought": True, "thoughtSignature": SIGNED},
        {"text": "Hi"},
    ]


def test_a_turn_of_nothing_but_foreign_reasoning_is_not_sent() -> None:
    turns = say("user", "A"), say("assistant", Reasoning(text="Hm.", signature=foreign()))
    assert [content["role"] for content in contents_of(*turns)] == ["user"]


def test_calls_carry_their_own_signatures() -> None:
    turns = [
        say("user", "Go."),
        say("assistant", call("1", signature=own()), call("2")),
        say("user", result("1"), result("2")),
        say("assistant", call("3", signature=own("bmV4dA=="))),
        say("user", result("3")),
    ]
    assert signatures(*turns) == [[SIGNED, None], ["bmV4dA=="]]


@pytest.mark.parametrize(
    "signature", [None, foreign(), Signature(maker="gemini/other", value="eA==")]
)
def test_the_first_foreign_call_of_each_step_is_excused(signature: Signature | None) -> None:
    turns = [
        say("user", "Go."),
        say("assistant", call("1", signature=signature), call("2", signature=signature)),
        say("user", result("1"), result("2")),
        say("assistant", "Once more.", call("3", signature=signature)),
        say("user", result("3")),
    ]
    assert signatures(*turns) == [[DUMMY, None], [DUMMY]]


def test_steps_before_the_user_spoke_last_need_no_excuse() -> None:
    step = [say("assistant", call()), say("user", result("1"))]
    turns = [say("user", "Go."), *step, say("assistant", "Done."), say("user", "Again."), *step]
    assert signatures(*turns) == [[None], [DUMMY]]


def test_a_picture_from_the_user_begins_a_turn() -> None:
    picture = Image(media=Media(media_type="image/png", data="aGk="))
    step = [say("assistant", call()), say("user", result("1"))]
    turns = [say("user", "Go."), *step, say("assistant", "Done."), say("user", picture), *step]
    assert signatures(*turns) == [[None], [DUMMY]]


def test_an_older_gemini_needs_no_excuse() -> None:
    turns = say("user", "Go."), say("assistant", call()), say("user", result("1"))
    assert signatures(*turns, model=OLDER) == [[None]]
