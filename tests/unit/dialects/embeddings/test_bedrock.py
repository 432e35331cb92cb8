"""Embeddings at Bedrock: Titan takes one text at a time, Cohere many."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import Unsupported
from airouter.dialects.embeddings.bedrock import CohereCodec, TitanCodec
from airouter.dialects.embeddings.choice import bedrock_codec, embeds_at_bedrock
from airouter.dialects.embeddings.codec import EmbeddingCodec
from airouter.dialects.embeddings.request import EmbeddingRequest
from airouter.dialects.embeddings.response import EmbeddingResult
from airouter.interfaces import BrokenReply, BufferedReply

TITAN = "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-multilingual-v3"
COHERE_4 = "us.cohere.embed-v4:0"
COUNT = b"x-amzn-bedrock-input-token-count"


def bodies(model: str, *texts: str, **asked: Any) -> list[Any]:
    request = EmbeddingRequest(inputs=texts, **asked)
    return [msgspec.json.decode(body) for body in bedrock_codec(model).render(request)]


def answered(body: Any, count: bytes | None = None) -> BufferedReply:
    headers = {} if count is None else {COUNT: count}
    return BufferedReply(200, headers, msgspec.json.encode(body))


def parsed(model: str, answers: list[BufferedReply], *texts: str) -> EmbeddingResult:
    return bedrock_codec(model).parse(answers, EmbeddingRequest(inputs=texts))


def refused_field(model: str, **asked: Any) -> str:
    with pytest.raises(Unsupported) as caught:
        bodies(model, "a", **asked)
    return caught.value.field


@pytest.mark.parametrize(
    ("model", "codec"),
    [
        (TITAN, TitanCodec),
        ("amazon.titan-embed-text-v1", TitanCodec),
        ("amazon.titan-embed-g1-text-02", TitanCodec),
        ("arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-embed-text-v2:0", TitanCodec),
        (COHERE, CohereCodec),
        (COHERE_4, CohereCodec),
    ],
)
def test_the_id_of_a_model_says_how_it_is_asked(model: str, codec: type[EmbeddingCodec]) -> None:
    assert embeds_at_bedrock(model)
    assert type(bedrock_codec(model)) is codec


@pytest.mark.parametrize("model", ["amazon.titan-embed-image-v1", "amazon.nova-lite-v1:0", ""])
def test_a_model_that_is_asked_in_no_known_way_embeds_nothing(model: str) -> None:
    assert not embeds_at_bedrock(model)


def test_titan_is_asked_once_for_every_text() -> None:
    assert bodies(TITAN, "a", "b", dimensions=256) == [
        {"inputText": "a", "dimensions": 256, "normalize": True},
        {"inputText": "b", "dimensions": 256, "normalize": True},
    ]


def test_the_first_titans_know_nothing_but_the_text() -> None:
    assert bodies("amazon.titan-embed-text-v1", "a") == [{"inputText": "a"}]


def test_cohere_is_asked_for_96_texts_at_a_time_and_never_cuts_one() -> None:
    sent = bodies(COHERE, *map(str, range(200)))
    assert [len(body["texts"]) for body in sent] == [96, 96, 8]
    assert sent[2] == {
        "texts": [str(number) for number in range(192, 200)],
        "input_type": "search_document",
        "truncate": "NONE",
        "embedding_types": ["float"],
    }


def test_cohere_is_told_the_kind_of_text() -> None:
    assert bodies(COHERE, "a", input_type="clustering")[0]["input_type"] == "clustering"


def test_only_the_fourth_cohere_makes_shorter_vectors() -> None:
    assert bodies(COHERE_4, "a", dimensions=512)[0]["output_dimension"] == 512
    assert "output_dimension" not in bodies(COHERE_4, "a")[0]
    assert refused_field(COHERE, dimensions=512) == "dimensions"


@pytest.mark.parametrize(
    ("model", "dimensions"),
    [(TITAN, 768), (TITAN, 1536), ("amazon.titan-embed-text-v1", 1024), (COHERE_4, 768)],
)
def test_a_length_that_a_model_does_not_have_is_refused(model: str, dimensions: int) -> None:
    assert refused_field(model, dimensions=dimensions) == "dimensions"


def test_titan_is_not_told_a_kind_of_text_that_it_would_ignore() -> None:
    assert refused_field(TITAN, input_type="search_query") == "input_type"


def test_titans_vectors_and_tokens_are_put_together() -> None:
    answers = [
        answered({"embedding": [1, 0.5], "inputTextTokenCount": 2}),
        answered({"embedding": [0.25, 0], "inputTextTokenCount": 3}),
    ]
    assert parsed(TITAN, answers, "a", "b") == EmbeddingResult(
        vectors=((1.0, 0.5), (0.25, 0.0)), model=TITAN, input_tokens=5
    )


@pytest.mark.parametrize("embeddings", [[[1.0], [2.0]], {"float": [[1.0], [2.0]]}], ids=str)
def test_cohere_may_sort_its_vectors_by_type(embeddings: Any) -> None:
    answer = answered({"id": "x", "embeddings": embeddings, "texts": ["a", "b"]}, b"9")
    assert parsed(COHERE, [answer], "a", "b") == EmbeddingResult(
        vectors=((1.0,), (2.0,)), model=COHERE, input_tokens=9
    )


@pytest.mark.parametrize("count", [None, b"", b"many", b"-1"])
def test_tokens_that_cohere_does_not_tell_are_not_known(count: bytes | None) -> None:
    answer = answered({"embeddings": [[1.0]]}, count)
    assert parsed(COHERE, [answer], "a").input_tokens is None


@pytest.mark.parametrize("model", [TITAN, COHERE])
@pytest.mark.parametrize(
    "body",
    [{}, {"embedding": [None], "embeddings": {}}, {"embedding": "x", "embeddings": [[], []]}],
)
def test_an_answer_that_is_none_is_the_upstreams_fault(model: str, body: Any) -> None:
    with pytest.raises(BrokenReply):
        parsed(model, [answered(body)], "a")
