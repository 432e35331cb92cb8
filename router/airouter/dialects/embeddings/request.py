"""What a client asks of `/v1/embeddings`: read here, rendered for a provider by a `Form`.

Source: `EmbeddingCreateParams` of the openai SDK. `input_type` is ours: Cohere and Google make
other vectors for a question than for what it is looked up in.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from airouter.dialects.checking import read
from airouter.dialects.conversation import Piece
from airouter.failures import Failure, invalid_field

MOST_INPUTS = 2_048
Encoding = Literal["float", "base64"]
InputType = Literal["search_document", "search_query", "classification", "clustering"]


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """The body as it is written."""

    input: str | list[Any]
    model: str
    dimensions: int | None = None
    encoding_format: Encoding | None = None
    input_type: InputType | None = None
    user: str | None = None


class EmbeddingRequest(Piece, frozen=True):
    """Texts whose meaning is wanted as numbers."""

    inputs: tuple[str, ...]
    """From 1 to `MOST_INPUTS`, none of them empty."""
    dimensions: int | None = None
    encoding: Encoding = "float"
    input_type: InputType | None = None
    user: str | None = None
    """A hint: none of the other providers has a place for it."""


_decoder = msgspec.json.Decoder(Body)


def parse_request(body: bytes) -> EmbeddingRequest:
    """Read and check a body. Raises `Failure` 400 that names the field."""
    asked = read(body, _decoder)
    inputs = [asked.input] if isinstance(asked.input, str) else asked.input
    texts = tuple(text_of(given, at) for at, given in enumerate(inputs))
    if not 1 <= len(texts) <= MOST_INPUTS:
        raise invalid_field("input", f"'input' must have from 1 to {MOST_INPUTS} texts.")
    if asked.dimensions is not None and asked.dimensions < 1:
        raise invalid_field("dimensions", "'dimensions' must be at least 1.")
    return EmbeddingRequest(
        inputs=texts,
        dimensions=asked.dimensions,
        encoding=asked.encoding_format or "float",
        input_type=asked.input_type,
        user=asked.user,
    )


def text_of(given: object, at: int) -> str:
    """Input number `at`: a text, since tokens mean something to OpenAI alone.

    Raises `Failure` 400.
    """
    if isinstance(given, int | list):
        message = f"'input[{at}]' is made of tokens, which this model does not know: send text."
        raise Failure(400, message, param="input", code="unsupported_value")
    if not isinstance(given, str):
        raise invalid_field("input", f"'input[{at}]' must be a text.")
    if not given:
        raise invalid_field("input", f"'input[{at}]' must not be empty.")
    return given
