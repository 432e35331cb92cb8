"""What clients get from `/v1/embeddings`, as the official SDK reads it."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import CreateEmbeddingResponse

from airouter.dialects.embeddings.request import EmbeddingRequest, Encoding
from airouter.dialects.embeddings.response import EmbeddingResult, packed, render_response

RESULT = EmbeddingResult(vectors=((0.5, -1.0), (0.25, 0.0)), model="real", input_tokens=7)


def rendered(result: EmbeddingResult, encoding: Encoding = "float") -> CreateEmbeddingResponse:
    asked = EmbeddingRequest(inputs=("a", "b"), encoding=encoding)
    return CreateEmbeddingResponse.model_validate_json(render_response(result, asked))


def test_vectors_come_in_the_order_of_the_texts() -> None:
    answer = rendered(RESULT)
    assert [datum.index for datum in answer.data] == [0, 1]
    assert [datum.embedding for datum in answer.data] == [[0.5, -1.0], [0.25, 0.0]]
    assert answer.model == "real"


@pytest.mark.parametrize(("counted", "told"), [(7, 7), (None, 0)])
def test_tokens_are_told_as_numbers_even_where_nobody_counted(
    counted: int | None, told: int
) -> None:
    usage = rendered(EmbeddingResult(vectors=(), model="m", input_tokens=counted)).usage
    assert (usage.prompt_tokens, usage.total_tokens) == (told, told)


def test_base64_is_what_the_sdk_unpacks() -> None:
    asked = EmbeddingRequest(inputs=("a", "b"), encoding="base64")
    assert base64.b64encode(struct.pack("<2f", 0.5, -1.0)) in render_response(RESULT, asked)


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=50))
def test_32_bit_floats_survive_base64(vector: list[float]) -> None:
    data = base64.b64decode(packed(tuple(vector)), validate=True)
    assert list(struct.unpack(f"<{len(vector)}f", data)) == vector
