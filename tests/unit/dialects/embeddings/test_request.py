"""What clients may ask of `/v1/embeddings`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.embeddings.request import EmbeddingRequest, parse_request
from airouter.failures import Failure


def parsed(**fields: Any) -> EmbeddingRequest:
    return parse_request(msgspec.json.encode({"model": "m", **fields}))


def failure(**fields: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        parsed(**fields)
    assert caught.value.status == 400
    return caught.value


def test_one_text_is_a_list_of_one() -> None:
    assert parsed(input="hello") == parsed(input=["hello"]) == EmbeddingRequest(inputs=("hello",))


def test_everything_that_a_client_says_is_kept() -> None:
    asked = parsed(
        input=["a", "b"],
        dimensions=256,
        encoding_format="base64",
        input_type="search_query",
        user="somebody",
    )
    assert asked == EmbeddingRequest(
        inputs=("a", "b"),
        dimensions=256,
        encoding="base64",
        input_type="search_query",
        user="somebody",
    )


@pytest.mark.parametrize("tokens", [[1, 2, 3], [[1, 2], [3]], ["text", 5], [7] * 3000])
def test_tokens_are_refused_since_only_openai_knows_what_they_mean(tokens: list[Any]) -> None:
    refused = failure(input=tokens)
    assert (refused.param, refused.code) == ("input", "unsupported_value")
    assert "send text" in refused.message


@pytest.mark.parametrize("given", ["", [], [""], ["a", ""], [None], [0.5], [{}], ["a"] * 2049])
def test_input_that_has_no_meaning_is_refused_by_name(given: Any) -> None:
    assert failure(input=given).param == "input"


def test_as_many_texts_as_openai_takes_are_taken() -> None:
    assert len(parsed(input=["a"] * 2048).inputs) == 2048


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dimensions", 0),
        ("dimensions", "many"),
        ("encoding_format", "hex"),
        ("input_type", "image"),
        ("user", 7),
        ("inptu", "a"),
    ],
)
def test_a_field_that_cannot_be_meant_is_refused_by_name(field: str, value: Any) -> None:
    assert failure(input="a", **{field: value}).param == field


def test_a_request_without_input_is_told_so() -> None:
    assert failure().code == "missing_required_parameter"
