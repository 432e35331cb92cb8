"""The codec for each model that embeds, where a provider has several APIs for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.embeddings.bedrock import CohereCodec, TitanCodec
from airouter.dialects.embeddings.google import PredictCodec, VertexCodec, is_newer

if TYPE_CHECKING:
    from typing import Literal

    from airouter.dialects.embeddings.codec import EmbeddingCodec

TITAN = ("amazon.titan-embed-text-", "amazon.titan-embed-g1-text-")
COHERE = "cohere.embed-"


def vertex_method(model: str) -> Literal["predict", "embedContent"]:
    """Return the end of a model's path at Vertex AI; AI Studio's is always `batchEmbedContents`.

    google-genai takes `embedContent` for gemini-embedding-001, too; Google documents `predict`.
    """
    return "embedContent" if is_newer(model) else "predict"


def vertex_codec(model: str) -> EmbeddingCodec:
    """Return the codec for the method of a model at Vertex AI."""
    return VertexCodec(model) if is_newer(model) else PredictCodec(model)


def embeds_at_bedrock(model: str) -> bool:
    """Return whether a model embeds, by its id, or that of an inference profile or an ARN."""
    return any(name in model for name in (*TITAN, COHERE))


def bedrock_codec(model: str) -> EmbeddingCodec:
    """Return the codec for a model that embeds at Bedrock."""
    return CohereCodec(model) if COHERE in model else TitanCodec(model)
