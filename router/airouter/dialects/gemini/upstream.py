"""The APIs of Google's two services: AI Studio's, and Vertex AI's for Google's own models."""

from __future__ import annotations

from airouter.dialects.embeddings.choice import vertex_codec
from airouter.dialects.embeddings.google import GeminiEmbeddingCodec
from airouter.dialects.gemini import UPSTREAM
from airouter.dialects.gemini import VERTEX as VERTEX_DIALECT
from airouter.dialects.gemini.counting import parse_count, render_count, render_vertex_count
from airouter.dialects.gemini.images import image_codec
from airouter.dialects.upstream_api import TokenCounter, UpstreamApi

GEMINI = UpstreamApi(
    UPSTREAM,
    counter=TokenCounter(render_count, parse_count, UPSTREAM.fetches),
    embeddings=GeminiEmbeddingCodec,
    images=image_codec,
)
VERTEX = UpstreamApi(
    VERTEX_DIALECT,
    counter=TokenCounter(render_vertex_count, parse_count, VERTEX_DIALECT.fetches),
    embeddings=vertex_codec,
    images=image_codec,
)
