"""The API of AWS Bedrock: Converse, and InvokeModel for embeddings."""

from __future__ import annotations

from dataclasses import replace

from airouter.dialects.converse import UPSTREAM
from airouter.dialects.converse.counting import parse_count, render_count
from airouter.dialects.embeddings.choice import bedrock_codec
from airouter.dialects.upstream_api import TokenCounter, UpstreamApi

CONVERSE = UpstreamApi(
    UPSTREAM,
    counter=TokenCounter(render_count, parse_count, UPSTREAM.fetches),
    embeddings=bedrock_codec,
)
UNCOUNTED = replace(CONVERSE, counter=None)
"""Of a model whose tokens Bedrock does not count."""
