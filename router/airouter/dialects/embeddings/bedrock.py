"""Embeddings at AWS Bedrock, by `InvokeModel`: each maker of models has its own body there.

Source: AWS's notes on the inference parameters of Titan and of Cohere Embed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Json, Unsupported
from airouter.dialects.embeddings.form import Form, Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.embeddings.request import EmbeddingRequest
    from airouter.dialects.embeddings.response import Vector
    from airouter.interfaces import BufferedReply

TOKENS_HEADER = b"x-amzn-bedrock-input-token-count"
TITAN_SECOND = "titan-embed-text-v2"
TITAN_DIMENSIONS = (256, 512, 1024)
COHERE_FOURTH = "embed-v4"
COHERE_DIMENSIONS = (256, 512, 1024, 1536)


class TitanAnswer(msgspec.Struct, rename="camel"):
    """What Titan answers."""

    embedding: tuple[float, ...]
    input_text_token_count: int | None = None


class ByType(msgspec.Struct):
    """Cohere's vectors, where it sorts them by the type of their numbers."""

    vectors: list[tuple[float, ...]] = msgspec.field(name="float")


class CohereAnswer(msgspec.Struct):
    """What Cohere answers."""

    embeddings: list[tuple[float, ...]] | ByType


_titan_decoder = msgspec.json.Decoder(TitanAnswer)
_cohere_decoder = msgspec.json.Decoder(CohereAnswer)


class TitanForm(Form):
    """Amazon's own models: one text at a time. Only the second can make shorter vectors."""

    def body(self, texts: Sequence[str], request: EmbeddingRequest) -> Json:
        if request.input_type is not None:
            raise Unsupported("input_type", "makes no difference between kinds of text")
        (text,) = texts
        if TITAN_SECOND in self.model:
            dimensions = length_of(request, TITAN_DIMENSIONS)
            named = {} if dimensions is None else {"dimensions": dimensions}
            return {"inputText": text, "normalize": True, **named}
        length_of(request, ())
        return {"inputText": text}

    def read(self, answer: BufferedReply) -> Found:
        found = _titan_decoder.decode(answer.body)
        return Found([found.embedding], found.input_text_token_count)


class CohereForm(Form):
    """Cohere's models. They must be told the kind of text; one that is looked up is our guess."""

    batch = 96

    def body(self, texts: Sequence[str], request: EmbeddingRequest) -> Json:
        body: Json = {
            "texts": texts,
            "input_type": request.input_type or "search_document",
            "truncate": "NONE",
            "embedding_types": ["float"],
        }
        known = COHERE_DIMENSIONS if COHERE_FOURTH in self.model else ()
        dimensions = length_of(request, known)
        return body if dimensions is None else {**body, "output_dimension": dimensions}

    def read(self, answer: BufferedReply) -> Found:
        found = _cohere_decoder.decode(answer.body).embeddings
        vectors: Sequence[Vector] = found.vectors if isinstance(found, ByType) else found
        count = answer.headers.get(TOKENS_HEADER, b"")
        return Found(vectors, int(count) if count.isdigit() else None)


def length_of(request: EmbeddingRequest, known: tuple[int, ...]) -> int | None:
    """How long vectors shall be, if that was said. Raises `Unsupported` for what is not `known`."""
    if request.dimensions is None or request.dimensions in known:
        return request.dimensions
    if not known:
        raise Unsupported("dimensions", "makes vectors of one length only")
    choice = ", ".join(map(str, known))
    raise Unsupported("dimensions", f"makes vectors with {choice} dimensions only")
