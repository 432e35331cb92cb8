"""Usage in the words of chat completions and of Responses."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects.conversation import Usage
from airouter.dialects.openai_usage import (
    CHAT_BODY,
    RESPONSES_BODY,
    render_chat_usage,
    render_responses_usage,
    usage_in,
)

counts = st.integers(0, 2**40)
usages = st.builds(
    Usage,
    input_tokens=counts,
    output_tokens=counts,
    cached_tokens=counts,
    cache_write_tokens=counts,
    reasoning_tokens=counts,
    audio_input_tokens=counts,
    audio_output_tokens=counts,
)


@given(usages)
def test_usage_survives_in_either_of_its_words(usage: Usage) -> None:
    chat = msgspec.json.encode({"usage": render_chat_usage(usage)})
    assert usage_in(CHAT_BODY, chat) == usage
    silent = msgspec.structs.replace(usage, audio_input_tokens=None, audio_output_tokens=None)
    responses = msgspec.json.encode({"usage": render_responses_usage(usage)})
    assert usage_in(RESPONSES_BODY, responses) == silent


def test_embeddings_have_an_input_alone() -> None:
    assert usage_in(CHAT_BODY, b'{"usage":{"prompt_tokens":7,"total_tokens":7}}') == Usage(
        input_tokens=7
    )


def chat_usage(completion_tokens: int, reasoning_tokens: int, total_tokens: object) -> Usage | None:
    """What is read of an answer with 32 tokens in."""
    usage = {
        "prompt_tokens": 32,
        "completion_tokens": completion_tokens,
        "total_tokens": total_tokens,
        "completion_tokens_details": {"reasoning_tokens": reasoning_tokens},
    }
    return usage_in(CHAT_BODY, msgspec.json.encode({"usage": usage}))


def test_reasoning_that_xai_tells_beside_the_output_is_a_part_of_it() -> None:
    told_beside = Usage(input_tokens=32, output_tokens=103, reasoning_tokens=94)
    assert chat_usage(9, 94, 135) == told_beside
    assert chat_usage(103, 94, 135) == told_beside, "as OpenAI tells it"


@pytest.mark.parametrize("total", [None, "135", 41, 1000])
def test_a_total_that_tells_nothing_of_reasoning_changes_nothing(total: object) -> None:
    plain = Usage(input_tokens=32, output_tokens=9, reasoning_tokens=94)
    assert chat_usage(9, 94, total) == plain


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"usage":null}', b'{"usage":7}', b'{"usage":{"prompt_tokens":"7"}}']
)
def test_usage_that_cannot_be_read_is_none(body: bytes) -> None:
    assert usage_in(CHAT_BODY, body) is None


def test_what_is_not_known_is_rendered_as_0() -> None:
    assert render_responses_usage(Usage(output_tokens=3)) == {
        "input_tokens": 0,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 3,
    }
