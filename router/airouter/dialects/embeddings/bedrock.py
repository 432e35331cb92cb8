"""Embeddings at AWS Bedrock, by `InvokeModel`: each maker of models has its own body there.

Source: AWS's notes on the inference parameters of Titan and of Cohere Embed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Json, Unsupported
from airouter.dialects.embeddings.codec import NO_EMBEDDINGS, EmbeddedBatch, EmbeddingCodec
from airouter.interfaces import BrokenReply
from airouter.untrusted import decoded

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
    """An answer of Titan."""

    embedding: tuple[float, ...]
    input_text_token_count: int | None = None


class VectorsByType(msgspec.Struct):
    """Cohere's vectors, where it sorts them by the type of their numbers."""

    vectors: list[tuple[float, ...]] = msgspec.field(name="float")


class CohereAnswer(msgspec.Struct):
    """An answer of Cohere."""

    embeddings: list[tuple[float, ...]] | VectorsByType


_titan_decoder = msgspec.json.Decoder(TitanAnswer)
_cohere_decoder = msgspec.json.Decoder(CohereAnswer)


class TitanCodec(EmbeddingCodec):
    """Amazon's own models: one text at a time. Only the second can make shorter vectors."""

    def body(self, texts: Sequence[str], request: EmbeddingRequest) -> Json:
        if request.input_type is not None:
            raise Unsupported("input_type", "makes no difference between kinds of text")
        (text,) = texts
        if TITAN_SECOND in self.model:
            dimensions = length_of(request, TITAN_DIMENSIONS)
            named = {} if dimensions is None else {"dimensions": dimensions}
            return {"inputText": text, "normalize": True, **named}  # as OpenAI's are
        length_of(request, ())
        return {"inputText": text}

    def read(self, answer: BufferedReply) -> EmbeddedBatch:
        found = decoded(_titan_decoder, answer.body, BrokenReply, NO_EMBEDDINGS)
        return EmbeddedBatch([found.embedding], found.input_text_token_count)


class CohereCodec(EmbeddingCodec):
    """Cohere's models, which must be told the kind of text: a document, where a client does not."""

    batch = 96

    def body(self, texts: Sequence[str], request: EmbeddingRequest) -> Json:
        body: Json = {
            "texts": texts,
            "input_type": request.input_type or "search_document",
            "truncate": "NONE",  # an error instead, as from OpenAI
            "embedding_types": ["float"],
        }
        known = COHERE_DIMENSIONS if COHERE_FOURTH in self.model else ()
        dimensions = length_of(request, known)
        return body if dimensions is None else {**body, "output_dimension": dimensions}

    def read(self, answer: BufferedReply) -> EmbeddedBatch:
        found = decoded(_cohere_decoder, answer.body, BrokenReply, NO_EMBEDDINGS).embeddings
        vectors: Sequence[Vector] = found.vectors if isinstance(found, VectorsByType) else found
        count = answer.headers.get(TOKENS_HEADER, b"")
        return EmbeddedBatch(vectors, int(count) if count.isdigit() else None)


def length_of(request: EmbeddingRequest, known: tuple[int, ...]) -> int | None:
    """Return the length of vectors that is asked for. Raises `Unsupported` for one not `known`."""
    if request.dimensions is None or request.dimensions in known:
        return request.dimensions
    if not known:
        raise Unsupported("dimensions", "makes vectors of one length only")
    choice = ", ".join(map(str, known))
    raise Unsupported("dimensions", f"makes vectors with {choice} dimensions only")
