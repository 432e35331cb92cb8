"""Turns in an order that every provider takes: roles alternate, calls have their results."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects.conversation import Part, Reasoning, Role, Text, ToolCall, ToolResult, Turn
from airouter.dialects.turns import (
    check_calls,
    folded,
    joined_text,
    leading,
    merged,
    with_calls_told_apart,
)
from airouter.failures import Failure


def say(role: Role, *parts: Part | str, at: str = "") -> Turn:
    said = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    return Turn(role=role, parts=said, at=at)


def call(id_: str, name: str = "tool") -> ToolCall:
    return ToolCall(id=id_, name=name, arguments="{}")


def result(id_: str) -> ToolResult:
    return ToolResult(call_id=id_, parts=(Text(text="done"),))


def numbered(*turns: Turn) -> list[Turn]:
    return [
        Turn(role=turn.role, parts=turn.parts, at=f"messages[{n}]") for n, turn in enumerate(turns)
    ]


roles = st.sampled_from(["system", "developer", "user", "assistant"])
pieces = st.builds(Text, text=st.text(max_size=3)) | st.builds(result, st.text(max_size=3))
turns_ = st.lists(
    st.builds(Turn, role=roles, parts=st.lists(pieces, max_size=3).map(tuple)), max_size=6
)


@given(turns_)
def test_merged_turns_alternate_and_lose_nothing(turns: list[Turn]) -> None:
    found = merged(turns)
    assert all(one.role != other.role for one, other in pairwise(found))
    assert all(turn.parts for turn in found)
    said = [part for turn in turns for part in turn.parts]
    kept = [part for turn in found for part in turn.parts]
    assert sorted(map(repr, kept)) == sorted(map(repr, said))


@given(turns_)
def test_merging_twice_changes_nothing(turns: list[Turn]) -> None:
    once = merged(turns)
    assert merged(once) == once


def test_results_come_first_in_what_the_user_says_and_keep_their_order() -> None:
    (turn,) = merged([say("user", "a", result("1")), say("user", result("2"), "b")])
    assert turn.parts == (result("1"), result("2"), Text(text="a"), Text(text="b"))


def test_what_the_assistant_says_keeps_its_order() -> None:
    (turn,) = merged([say("assistant", "a", call("1")), say("assistant", "b")])
    assert turn.parts == (Text(text="a"), call("1"), Text(text="b"))


def test_an_empty_turn_does_not_stand_between_its_neighbours() -> None:
    assert merged([say("user", "a"), say("assistant"), say("user", "b")]) == [say("user", "a", "b")]


def test_merged_turns_stand_where_the_first_stood() -> None:
    (turn,) = merged([say("user", "a", at="messages[0]"), say("user", "b", at="messages[1]")])
    assert turn.at == "messages[0]"


@given(turns_)
def test_leading_instructions_are_cut_off_at_the_first_other_turn(turns: list[Turn]) -> None:
    first, rest = leading(turns)
    assert [*first, *rest] == turns
    assert all(turn.role in {"system", "developer"} for turn in first)
    assert not rest or rest[0].role in {"user", "assistant"} or len(rest) == 1
    assert bool(rest) == bool(turns)


def test_later_instructions_can_be_what_the_user_says() -> None:
    turns = [say("user", "a"), say("system", "b"), say("assistant", "c"), say("developer", "d")]
    assert [turn.role for turn in folded(turns)] == ["user", "user", "assistant", "user"]
    assert [turn.parts for turn in folded(turns)] == [turn.parts for turn in turns]


def test_the_text_of_parts_is_what_is_said_and_not_what_is_thought() -> None:
    parts = (Reasoning(text="hm"), Text(text="a"), Text(text=""), call("1"), Text(text="b"))
    assert joined_text(parts) == "a\n\nb"


@pytest.mark.parametrize(
    "turns",
    [
        [],
        [say("user", "hello")],
        [say("assistant", call("1")), say("user", result("1"))],
        [say("assistant", call("1"), call("2")), say("user", result("2"), result("1"), "so?")],
        [say("assistant", call("1")), say("assistant", call("2")), say("user", *map(result, "12"))],
        [say("assistant", *map(call, "12")), say("user", result("1")), say("user", result("2"))],
        [say("assistant", call("1")), say("system", "quick"), say("user", result("1"))],
        [say("assistant", call("1")), say("user", "wait"), say("user", result("1"))],
        2 * [say("assistant", call("1")), say("user", result("1"))],
    ],
)
def test_calls_with_their_results_are_in_order(turns: list[Turn]) -> None:
    check_calls(turns)


@pytest.mark.parametrize(
    ("turns", "at", "what"),
    [
        ([say("user", result("1"))], 0, "does not precede"),
        ([say("assistant", call("1")), say("user", result("2"))], 1, "does not precede"),
        (
            [say("assistant", call("1")), say("user", result("1")), say("user", result("1"))],
            2,
            "does not precede",
        ),
        (
            [
                say("assistant", call("1")),
                say("user", result("1")),
                say("assistant", "ok"),
                say("user", result("1")),
            ],
            3,
            "does not precede",
        ),
        ([say("user", "a"), say("assistant", call("1"))], 1, "does not follow"),
        ([say("assistant", call("1")), say("user", "a")], 0, "does not follow"),
        ([say("assistant", *map(call, "12")), say("user", result("1"))], 0, "does not follow"),
        (
            [
                say("assistant", call("1")),
                say("user", "a"),
                say("assistant", "b"),
                say("user", result("1")),
            ],
            0,
            "does not follow",
        ),
        ([say("assistant", call("1")), say("assistant", call("1"))], 1, "an id that precedes"),
    ],
)
def test_a_call_or_a_result_in_the_wrong_place_is_named(
    turns: list[Turn], at: int, what: str
) -> None:
    with pytest.raises(Failure) as caught:
        check_calls(numbered(*turns))
    assert (caught.value.status, caught.value.param) == (400, f"messages[{at}]")
    assert what in caught.value.message


def test_an_id_of_any_length_makes_no_long_error() -> None:
    with pytest.raises(Failure) as caught:
        check_calls(numbered(say("user", result("x" * 100_000))))
    assert len(caught.value.message) < 300


def test_calls_of_one_answer_with_one_id_get_their_results_in_their_order() -> None:
    turns = [
        say("assistant", call("same"), call("same"), call("other")),
        say("user", result("same"), result("other")),
        say("user", result("same")),
        say("assistant", call("same")),
        say("user", result("same")),
    ]
    told_apart = with_calls_told_apart(turns)
    assert told_apart[:3] == [
        say("assistant", call("same"), call("same_2"), call("other")),
        say("user", result("same"), result("other")),
        say("user", result("same_2")),
    ]
    assert told_apart[3:] == turns[3:], "one that has its result may give its id to another"
    check_calls(told_apart)
