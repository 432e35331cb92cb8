"""Reasoning that travels through dialects which have no field for it."""

from __future__ import annotations

import base64
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects import chat, messages, responses
from airouter.dialects.conversation import Conversation, Reasoning, Signature, ToolCall
from airouter.dialects.provenance import (
    CLAUDE,
    MARK,
    PACKED,
    PACKED_LIMIT,
    PLAIN_LIMIT,
    REQUEST_LIMIT,
    Packed,
    Unpacker,
    is_own,
    maker_of,
    pack_parts,
    without_packed,
)
from unit.dialects.translation.wording import HELLO, WORDINGS, Call, Give, Say, Wish

PARSERS = {
    "chat": chat.CLIENT.parse_request,
    "messages": messages.CLIENT.parse_request,
    "responses": responses.CLIENT.parse_request,
}

signatures = st.builds(
    Signature, maker=st.text(max_size=8), value=st.text(max_size=8), redacted=st.booleans()
)
parts = st.lists(
    st.builds(
        Reasoning,
        text=st.text(max_size=20),
        summary=st.lists(st.text(max_size=8), max_size=2).map(tuple),
        signature=st.none() | signatures,
        id=st.none() | st.text(max_size=8),
    )
    | st.builds(
        ToolCall,
        id=st.text(max_size=8),
        name=st.text(max_size=8),
        arguments=st.text(max_size=8),
        signature=st.none() | signatures,
    ),
    min_size=1,
    max_size=4,
)
ids = st.from_regex(r"call_[a-z0-9]{0,8}", fullmatch=True)

THOUGHT: list[Packed] = [Reasoning(text="hm", signature=Signature(maker="m", value="v"))]


def packed(plain: bytes) -> str:
    return MARK + base64.urlsafe_b64encode(zlib.compress(plain)).rstrip(b"=").decode()


@given(ids, parts)
def test_what_is_packed_behind_an_id_comes_back_with_the_id(id_: str, given: list[Packed]) -> None:
    assert Unpacker().parts(id_ + pack_parts(given)) == (id_, given)


@given(parts)
def test_a_packed_word_may_stand_wherever_an_id_may(given: list[Packed]) -> None:
    assert PACKED.fullmatch(pack_parts(given).encode())


@given(st.text().filter(lambda text: MARK not in text))
def test_an_id_of_somebody_else_stays_as_it_is(text: str) -> None:
    assert Unpacker().parts(text) == (text, [])


def test_nothing_is_packed_as_nothing() -> None:
    assert pack_parts([]) == ""


def test_reasoning_that_is_too_long_stays_behind() -> None:
    noise = "".join(chr(0x4E00 + (n * 7919 + n * n) % 20_000) for n in range(PACKED_LIMIT))
    assert pack_parts([Reasoning(text=noise)]) == ""


@given(ids, st.text(max_size=40))
def test_any_text_behind_the_mark_is_harmless(id_: str, damaged: str) -> None:
    assert Unpacker().parts(id_ + MARK + damaged)[0] == id_


@given(parts, st.data())
def test_a_damaged_word_is_harmless(given: list[Packed], data: st.DataObject) -> None:
    word = pack_parts(given)
    at = data.draw(st.integers(len(MARK), len(word)))
    rest = data.draw(st.sampled_from([word[at + 1 :], "", "A" + word[at:], "é", "="]))
    assert Unpacker().parts("call_1" + word[:at] + rest)[0] == "call_1"


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"{}",
        b"null",
        b"[7]",
        b'[{"type":"text","text":"x"}]',
        b'[{"type":"reasoning","text":7}]',
        b'[{"type":"reasoning","text":"\xff"}]',
    ],
)
def test_a_word_with_something_else_in_it_is_harmless(plain: bytes) -> None:
    assert Unpacker().parts("call_1" + packed(plain)) == ("call_1", [])


def test_a_word_that_is_nested_too_deeply_is_harmless() -> None:
    plain = b'[{"type":"reasoning","more":' + 100_000 * b"[" + 100_000 * b"]" + b"}]"
    assert Unpacker().parts("call_1" + packed(plain)) == ("call_1", [])


def test_a_zip_bomb_is_not_unpacked() -> None:
    bomb = packed(b'[{"type":"reasoning","text":"' + 8 * PLAIN_LIMIT * b"a" + b'"}]')
    assert len(bomb) < PACKED_LIMIT
    assert Unpacker().parts(bomb) == ("", [])


def bombs(number: int) -> list[str]:
    """Words that are small, and large when they are unpacked."""
    text = b"a" * (PLAIN_LIMIT - 100)
    return [
        f"call_{n}" + packed(b'[{"type":"reasoning","text":"%b"}]' % text) for n in range(number)
    ]


def thoughts_in(conversation: Conversation) -> int:
    """The characters of all thoughts."""
    parts = (part for turn in conversation.turns for part in turn.parts)
    return sum(len(part.text) for part in parts if isinstance(part, Reasoning))


@pytest.mark.parametrize("api", WORDINGS)
def test_the_words_of_one_request_are_unpacked_up_to_one_bound(api: str) -> None:
    words = bombs(3 * REQUEST_LIMIT // PLAIN_LIMIT)
    said = [{"text": "hi"}, *({"thought": word} for word in words)]
    turns = [Call(words), Give(words)] if api == "chat" else [Say("assistant", said)]
    body = msgspec.json.encode(WORDINGS[api](Wish([HELLO, *turns, HELLO])))
    assert len(body) < REQUEST_LIMIT // 50
    assert REQUEST_LIMIT // 2 < thoughts_in(PARSERS[api](body)) <= REQUEST_LIMIT


def test_a_word_that_is_longer_than_any_of_ours_is_not_unpacked() -> None:
    assert Unpacker().parts("call_1" + MARK + "A" * (PACKED_LIMIT + 1)) == ("call_1", [])


@given(st.lists(st.tuples(ids, parts), max_size=3))
def test_a_provider_that_knows_no_packed_words_gets_none(
    calls: list[tuple[str, list[Packed]]],
) -> None:
    body = ",".join(f'{{"id":"{id_}{pack_parts(given)}"}}' for id_, given in calls).encode()
    plain = ",".join(f'{{"id":"{id_}"}}' for id_, _ in calls).encode()
    assert without_packed(body) == plain


@pytest.mark.parametrize(
    "name",
    [
        "claude-sonnet-4-5",
        "claude-sonnet-4-5-20250929",
        "claude-sonnet-4-5@20250929",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0",
    ],
)
def test_claude_is_the_same_wherever_it_runs(name: str) -> None:
    assert maker_of("bedrock", "ours", name) == "claude-sonnet-4-5"


def test_another_model_is_the_same_only_in_the_same_place() -> None:
    one = maker_of("vertex", "ours", "gemini-3-pro")
    others = [("gemini", "ours", "gemini-3-pro"), ("vertex", "theirs", "gemini-3-pro")]
    assert one == maker_of("vertex", "ours", "gemini-3-pro")
    assert one not in {maker_of(*each) for each in [*others, ("vertex", "ours", "gemini-3-flash")]}


@pytest.mark.parametrize(
    ("signed", "maker", "own"),
    [
        ("claude-opus-4-5", "claude-opus-4-5", True),
        ("claude-opus-4-5", "claude-sonnet-4-5", False),
        (CLAUDE, "claude-opus-4-5", True),
        ("claude-opus-4-5", CLAUDE, True),
        (CLAUDE, "vertex/ours/gemini-3-pro", False),
        ("vertex/ours/gemini-3-pro", CLAUDE, False),
        ("vertex/ours/gemini-3-pro", "vertex/theirs/gemini-3-pro", False),
        ("vertex/ours/gemini-3-pro", "vertex/ours/gemini-3-pro", True),
    ],
)
def test_a_provider_gets_back_only_what_it_signed(signed: str, maker: str, own: bool) -> None:
    assert is_own(Signature(maker=signed, value="v"), maker) is own


def test_what_is_not_signed_is_nobodys() -> None:
    assert not is_own(None, CLAUDE)
