"""Embeddings at AI Studio and at Vertex AI: what they are sent, and how their answers are read."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import Unsupported
from airouter.dialects.embeddings.choice import vertex_codec, vertex_method
from airouter.dialects.embeddings.codec import EmbeddingCodec
from airouter.dialects.embeddings.google import GeminiEmbeddingCodec, PredictCodec, VertexCodec
from airouter.dialects.embeddings.request import EmbeddingRequest
from airouter.dialects.embeddings.response import EmbeddingResult
from airouter.interfaces import BrokenReply, BufferedReply

NEWER = ("gemini-embedding-2", "gemini-embedding-2-preview", "intfloat/e5-large-maas")
OLDER = ("text-embedding-005", "text-multilingual-embedding-002", "gemini-embedding-001")

asked = EmbeddingRequest


def bodies(codec: EmbeddingCodec, request: EmbeddingRequest) -> list[Any]:
    return [msgspec.json.decode(body) for body in codec.render(request)]


def texts(count: int) -> EmbeddingRequest:
    return asked(inputs=tuple(f"text {number}" for number in range(count)))


def parsed(codec: EmbeddingCodec, answers: list[Any], request: EmbeddingRequest) -> EmbeddingResult:
    return codec.parse(
        [BufferedReply(200, {}, msgspec.json.encode(each)) for each in answers], request
    )


def prediction(values: list[float], tokens: float | None) -> Any:
    statistics = {} if tokens is None else {"statistics": {"token_count": tokens}}
    return {"embeddings": {"values": values, **statistics}}


def embedded(values: list[float], tokens: int) -> Any:
    return {"embedding": {"values": values}, "usageMetadata": {"promptTokenCount": tokens}}


@pytest.mark.parametrize("model", NEWER)
def test_newer_models_at_vertex_are_asked_one_text_at_a_time(model: str) -> None:
    codec = vertex_codec(model)
    assert isinstance(codec, VertexCodec)
    assert vertex_method(model) == "embedContent"
    assert len(codec.render(texts(3))) == 3


@pytest.mark.parametrize("model", OLDER)
def test_older_models_at_vertex_predict(model: str) -> None:
    assert isinstance(vertex_codec(model), PredictCodec)
    assert vertex_method(model) == "predict"


@pytest.mark.parametrize(
    ("codec", "sizes"),
    [
        (GeminiEmbeddingCodec("gemini-embedding-001"), [100, 100, 60]),
        (PredictCodec("text-embedding-005"), [250, 10]),
        (PredictCodec("gemini-embedding-001"), [1] * 260),
    ],
)
def test_no_call_has_more_texts_than_the_service_takes(
    codec: EmbeddingCodec, sizes: list[int]
) -> None:
    sent = bodies(codec, texts(260))
    lists = [body.get("requests") or body["instances"] for body in sent]
    assert [len(each) for each in lists] == sizes
    assert "text 0" in str(lists[0][0])
    assert "text 259" in str(lists[-1][-1])


@pytest.mark.parametrize("model", ["gemini-embedding-001", "models/gemini-embedding-001"])
def test_ai_studio_is_told_the_model_with_its_path(model: str) -> None:
    (body,) = bodies(GeminiEmbeddingCodec(model), texts(1))
    assert body["requests"][0]["model"] == "models/gemini-embedding-001"


@pytest.mark.parametrize("codec", [PredictCodec("text-embedding-005"), VertexCodec("e5-maas")])
def test_vertex_shall_refuse_what_is_too_long_rather_than_cut_it(codec: EmbeddingCodec) -> None:
    (body,) = bodies(codec, texts(1))
    assert (body.get("parameters") or body["embedContentConfig"])["autoTruncate"] is False


@pytest.mark.parametrize(
    "codec", [GeminiEmbeddingCodec("gemini-embedding-2"), VertexCodec("gemini-embedding-2")]
)
def test_the_kind_of_text_is_refused_by_models_that_want_it_in_words(codec: EmbeddingCodec) -> None:
    with pytest.raises(Unsupported) as caught:
        codec.render(asked(inputs=("a",), input_type="search_query"))
    assert caught.value.field == "input_type"


def test_vectors_of_ai_studio_come_in_order_over_several_calls() -> None:
    answers = [
        {"embeddings": [{"values": [float(n)]} for n in range(100)]},
        {"embeddings": [{"values": [100.0]}]},
    ]
    result = parsed(GeminiEmbeddingCodec("m"), answers, texts(101))
    assert [vector[0] for vector in result.vectors] == [float(n) for n in range(101)]
    assert result.model == "m"
    assert result.input_tokens is None


def test_tokens_of_ai_studio_are_told_where_it_counts_them() -> None:
    answer = {"embeddings": [{"values": [1.0]}], "usageMetadata": {"promptTokenCount": 3}}
    assert parsed(GeminiEmbeddingCodec("m"), [answer], texts(1)).input_tokens == 3


def test_tokens_of_embed_content_are_added_up() -> None:
    answers = [embedded([1.0], 2), embedded([2.0], 3)]
    result = parsed(VertexCodec("m"), answers, texts(2))
    assert result == EmbeddingResult(vectors=((1.0,), (2.0,)), model="m", input_tokens=5)


@pytest.mark.parametrize(("second", "total"), [(4.0, 6), (5, 7), (None, None)])
def test_tokens_of_predict_are_added_up_unless_one_is_missing(
    second: float | None, total: int | None
) -> None:
    answer = {"predictions": [prediction([1.0], 2), prediction([2.0], second)]}
    assert parsed(PredictCodec("text-embedding-005"), [answer], texts(2)).input_tokens == total


@pytest.mark.parametrize(
    ("codec", "answer"),
    [
        (GeminiEmbeddingCodec("m"), {"embeddings": [{"values": [3.0, 4.0]}]}),
        (VertexCodec("m"), embedded([3.0, 4.0], 1)),
        (PredictCodec("m"), {"predictions": [prediction([3.0, 4.0], 1)]}),
    ],
)
def test_shortened_vectors_have_length_one(codec: EmbeddingCodec, answer: Any) -> None:
    shortened = parsed(codec, [answer], asked(inputs=("a",), dimensions=2))
    assert shortened.vectors == ((0.6, 0.8),)
    assert math.hypot(*shortened.vectors[0]) == pytest.approx(1.0)
    assert parsed(codec, [answer], asked(inputs=("a",))).vectors == ((3.0, 4.0),)


def test_a_vector_of_nothing_stays_one() -> None:
    result = parsed(VertexCodec("m"), [embedded([0.0], 1)], asked(inputs=("a",), dimensions=1))
    assert result.vectors == ((0.0,),)


@pytest.mark.parametrize("codec", [GeminiEmbeddingCodec("m"), VertexCodec("m"), PredictCodec("m")])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"embeddings":[{}],"embedding":{},"predictions":[{}]}',
        b'{"embeddings":[{"values":[null]}],"embedding":{"values":"\xff"},"predictions":7}',
        b'{"embeddings":[],"embedding":null,"predictions":[]}',
    ],
)
def test_an_answer_that_is_none_is_the_upstreams_fault(codec: EmbeddingCodec, body: bytes) -> None:
    with pytest.raises(BrokenReply):
        codec.parse([BufferedReply(200, {}, body)], texts(1))


def test_vectors_are_never_given_to_the_wrong_texts() -> None:
    one, two = {"embeddings": [{"values": [1.0]}] * 99}, {"embeddings": [{"values": [2.0]}] * 3}
    with pytest.raises(BrokenReply):
        parsed(GeminiEmbeddingCodec("m"), [one, two], texts(102))
