"""The answer to a client of `/v1/embeddings`: `CreateEmbeddingResponse` of the openai SDK."""

from __future__ import annotations

import base64
import sys
from array import array
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Piece

if TYPE_CHECKING:
    from airouter.dialects.embeddings.request import EmbeddingRequest

Vector = tuple[float, ...]


class EmbeddingResult(Piece, frozen=True):
    """A vector for each text, in the order of the texts."""

    vectors: tuple[Vector, ...]
    model: str
    """As the provider knows it."""
    input_tokens: int | None = None
    """The tokens of all texts; None where the provider does not tell them."""


def render_response(result: EmbeddingResult, request: EmbeddingRequest) -> bytes:
    """Return the body. Unknown tokens are written as 0, since OpenAI's clients demand a number."""
    base64_wanted = request.encoding == "base64"
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": packed(vector) if base64_wanted else vector,
        }
        for index, vector in enumerate(result.vectors)
    ]
    tokens = result.input_tokens or 0
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return msgspec.json.encode(
        {"object": "list", "data": data, "model": result.model, "usage": usage}
    )


def packed(vector: Vector) -> str:
    """Return a vector as little-endian 32-bit floats in base64, the default of OpenAI's SDKs."""
    floats = array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return base64.b64encode(floats.tobytes()).decode("ascii")
