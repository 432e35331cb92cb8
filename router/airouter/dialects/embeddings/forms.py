"""Which form a model of each provider is asked in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import Unsupported
from airouter.dialects.embeddings.bedrock import CohereForm, TitanForm
from airouter.dialects.embeddings.form import Form
from airouter.dialects.embeddings.google import GeminiForm, PredictForm, VertexForm, is_newer

if TYPE_CHECKING:
    from typing import Literal

__all__ = [
    "CohereForm",
    "Form",
    "GeminiForm",
    "PredictForm",
    "TitanForm",
    "VertexForm",
    "bedrock_form",
    "vertex_form",
    "vertex_method",
]

TITAN = ("amazon.titan-embed-text-", "amazon.titan-embed-g1-text-")
COHERE = "cohere.embed-"


def vertex_method(model: str) -> Literal["predict", "embedContent"]:
    """What a model's path ends with at Vertex AI; at AI Studio it is always `batchEmbedContents`.

    google-genai takes `embedContent` for gemini-embedding-001, too; Google documents `predict`.
    """
    return "embedContent" if is_newer(model) else "predict"


def vertex_form(model: str) -> Form:
    """The form of that method."""
    return VertexForm(model) if is_newer(model) else PredictForm(model)


def bedrock_form(model: str) -> Form:
    """By the id of a model, of an inference profile or of an ARN. Raises `Unsupported`."""
    if any(name in model for name in TITAN):
        return TitanForm(model)
    if COHERE in model:
        return CohereForm(model)
    raise Unsupported("model", "is none of Bedrock's embedding models that are known here")
