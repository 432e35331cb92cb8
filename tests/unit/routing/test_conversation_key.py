"""What tells that two requests are turns of the same conversation."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from airouter.routing.conversation_key import MOST_TURNS, READ, conversation_key

ASKED: dict[str, Any] = {"role": "user", "content": "Why is the sky blue?"}
SYSTEM: dict[str, Any] = {"role": "system", "content": "You are terse."}
ANSWERED: dict[str, Any] = {"role": "assistant", "content": "Rayleigh."}


def key_of(body: dict[str, Any], **headers: str) -> bytes | None:
    fields = msgspec.json.decode(json.dumps(body), type=dict[str, msgspec.Raw])
    given = {name.replace("_", "-").encode(): text.encode() for name, text in headers.items()}
    return conversation_key(given, fields)


def chat(*messages: Any, **fields: Any) -> dict[str, Any]:
    return {"messages": list(messages), **fields}


NAMED: list[dict[str, Any]] = [
    {"prompt_cache_key": "p"},
    {"conversation": "conv_1"},
    {"conversation": {"id": "conv_1"}},
    {"metadata": {"user_id": "u", "id": 5}},
    {"user": "u"},
]


@pytest.mark.parametrize("named", NAMED, ids=str)
def test_a_name_goes_before_what_was_said(named: dict[str, Any]) -> None:
    assert key_of(chat(ASKED, **named)) == key_of(chat(SYSTEM, **named)) is not None
    assert key_of(chat(ASKED, **named)) != key_of(chat(ASKED))


def test_the_first_name_counts() -> None:
    body: dict[str, Any] = {}
    keys = []
    for named in reversed(NAMED):
        name, value = next(iter(named.items()))
        body[name] = f"{name} of its own" if isinstance(value, str) else value
        keys.append(key_of(body))
    keys.append(key_of(body, x_session_id="s"))
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "odd",
    [
        {"prompt_cache_key": 5},
        {"conversation": {"name": "x"}},
        {"metadata": "text"},
        {"metadata": {"topic": "x"}},
        {"metadata": {"user_id": 7}},
        {"user": ["u"]},
        {"user": ""},
        {"user": "u" * 20_000},
        {"prompt_cache_key": None, "conversation": None, "metadata": None, "user": None},
    ],
    ids=lambda odd: str(odd)[:40],
)
def test_a_name_of_another_form_is_none(odd: dict[str, Any]) -> None:
    assert key_of(chat(ASKED, **odd)) == key_of(chat(ASKED))


def test_later_turns_change_nothing() -> None:
    first = chat(SYSTEM, ASKED)
    assert key_of(first) == key_of(chat(SYSTEM, ASKED, ANSWERED, {"role": "user", "content": "?"}))


@pytest.mark.parametrize(
    "other",
    [
        chat(SYSTEM, {"role": "user", "content": "Why is grass green?"}),
        chat({"role": "system", "content": "You are verbose."}, ASKED),
        chat(SYSTEM, ASKED, tools=[{"type": "function"}]),
        chat(SYSTEM, ASKED, system="You are terse."),
        chat(ASKED),
    ],
    ids=str,
)
def test_another_beginning_is_another_conversation(other: dict[str, Any]) -> None:
    assert key_of(other) != key_of(chat(SYSTEM, ASKED))


def test_marks_for_the_cache_change_nothing() -> None:
    part = {"type": "text", "text": ASKED["content"]}
    marked = {**part, "cache_control": {"type": "ephemeral"}}
    image = {"type": "image_url", "image_url": {"url": "https://a.example/x"}}
    whole = {"role": "user", "content": [part, image]}
    assert key_of(chat(whole)) == key_of(chat({**whole, "content": [marked, image]}))
    assert key_of(chat(whole)) == key_of(chat(ASKED))


def test_input_as_a_text_is_the_first_turn_of_input_as_a_list() -> None:
    text = 'A "quoted"\nquestion: ü'
    listed = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    ]
    assert key_of({"input": text}) == key_of({"input": listed})


@pytest.mark.parametrize(
    "silent",
    [
        {},
        {"messages": []},
        {"messages": [SYSTEM]},
        {"input": [{"type": "function_call_output", "role": None}]},
        {"messages": [SYSTEM] * (MOST_TURNS + 1) + [ASKED]},
        {"messages": None},
    ],
    ids=lambda silent: str(silent)[:40],
)
def test_where_the_user_says_nothing_there_is_no_conversation(silent: dict[str, Any]) -> None:
    assert key_of(silent) is None


def test_a_first_turn_that_is_longer_than_what_is_read_is_known_by_its_beginning() -> None:
    long = {"role": "user", "content": "x" * 2 * READ}
    assert key_of(chat(SYSTEM, long)) == key_of(chat(SYSTEM, long, ANSWERED)) is not None
    assert key_of(chat(SYSTEM, long)) != key_of(chat(SYSTEM, {**long, "content": "y" * 2 * READ}))
    assert key_of({"input": "x" * 2 * READ}) is not None


def test_a_surrogate_without_its_other_half_is_read() -> None:
    fields = {"messages": msgspec.Raw(rb'[{"role":"user","content":"\ud800"}]')}
    assert conversation_key({}, fields) is not None


@pytest.mark.parametrize(
    "hostile",
    [
        b"[" * 100_000,
        b"[" + b"{}," * 100_000 + b"{}]",
        b"[" + b" " * 100_000 + b"]",
        b'[{"role":"system","content":"' + b"\\u00e9" * 100_000 + b'"}]',
        b"[" + b'{"role":"system"},' * 500_000 + b"{}]",
    ],
    ids=["deep", "empty", "blank", "escapes", "instructions"],
)
def test_nothing_is_read_but_the_beginning(hostile: bytes) -> None:
    whole, beginning = msgspec.Raw(hostile), msgspec.Raw(hostile[:READ])
    assert conversation_key({}, {"input": whole}) == conversation_key({}, {"input": beginning})
