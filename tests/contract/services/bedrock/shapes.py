"""Layer 1 of the strict Bedrock: botocore's service model, and the schemas of embedding models.

Converse bodies are walked by `support.converse_shapes`. What InvokeModel takes no service model
says; it is written down here as the documentation of the models has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contract.services.bedrock.refusals import invalid, malformed
from contract.services.stand_in import Body
from support.converse_shapes import problems

MAX_COUNT = 3
"""Problems that a refusal names."""


def check_shape(operation: str, body: Any) -> None:
    """Raises `Refusal` for a body that the service model does not allow."""
    found = problems(operation, body)
    if found:
        raise invalid(f"{len(found)} validation errors detected: {'; '.join(found[:MAX_COUNT])}")


@dataclass(frozen=True)
class Schema:
    """What a model takes: each key with what its value has to be."""

    required: tuple[str, ...]
    keys: dict[str, Callable[[Any], bool]]

    def check(self, body: Any) -> None:
        """Raises `Refusal`."""
        if not isinstance(body, dict):
            raise malformed("#: expected type: JSONObject")
        for name in self.required:
            if name not in body:
                raise malformed(f"#: required key [{name}] not found")
        for name, value in body.items():
            if name not in self.keys:
                raise malformed(f"#: extraneous key [{name}] is not permitted")
            if not self.keys[name](value):
                raise malformed(f"#/{name}: {str(value)[:50]!r} is not a valid value")


def one_of(*values: Any) -> Callable[[Any], bool]:
    return lambda value: not isinstance(value, bool) and value in values


def some_of(*values: str) -> Callable[[Any], bool]:
    """A list that is not empty."""
    return lambda value: isinstance(value, list) and bool(value) and set(value) <= set(values)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def are_texts(value: Any) -> bool:
    return isinstance(value, list) and 1 <= len(value) <= 96 and all(map(is_text, value))


TITAN = Schema(
    required=("inputText",),
    keys={
        "inputText": is_text,
        "dimensions": one_of(256, 512, 1024),
        "normalize": is_boolean,
        "embeddingTypes": some_of("float", "binary"),
    },
)
COHERE_3 = Schema(
    required=("texts", "input_type"),
    keys={
        "texts": are_texts,
        "input_type": one_of("search_document", "search_query", "classification", "clustering"),
        "truncate": one_of("NONE", "START", "END"),
        "embedding_types": some_of("float", "int8", "uint8", "binary", "ubinary"),
    },
)
COHERE_4 = Schema(
    required=COHERE_3.required,
    keys=COHERE_3.keys
    | {
        "truncate": one_of("NONE", "LEFT", "RIGHT"),
        "output_dimension": one_of(256, 512, 1024, 1536),
    },
)
EMBEDDERS = {
    "amazon.titan-embed-text-v2:0": TITAN,
    "cohere.embed-english-v3": COHERE_3,
    "cohere.embed-v4:0": COHERE_4,
}


def check_embedding(model: str, body: Body) -> None:
    """Raises `Refusal`."""
    EMBEDDERS[model].check(body)
