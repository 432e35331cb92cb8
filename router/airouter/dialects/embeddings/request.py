"""The request of a client to `/v1/embeddings`; a provider's is rendered by its codec.

Source: `EmbeddingCreateParams` of the openai SDK. `input_type` is ours: Cohere and Google make
other vectors for a question than for what it is looked up in.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from airouter.dialects.checking import checked_body
from airouter.dialects.conversation import Piece
from airouter.failures import Failure, invalid_field

MOST_INPUTS = 2_048
Encoding = Literal["float", "base64"]
InputType = Literal["search_document", "search_query", "classification", "clustering"]


class EmbeddingBody(msgspec.Struct, forbid_unknown_fields=True):
    """The fields of a body."""

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


_decoder = msgspec.json.Decoder(EmbeddingBody)


def parse_request(body: bytes) -> EmbeddingRequest:
    """Return a body, checked. Raises `Failure` 400 that names the field."""
    asked = checked_body(body, _decoder)
    inputs = [asked.input] if isinstance(asked.input, str) else asked.input
    texts = tuple(checked_text(given, at) for at, given in enumerate(inputs))
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


def checked_text(given: object, at: int) -> str:
    """Return input number `at`, which must be text: tokens mean something to OpenAI alone.

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
