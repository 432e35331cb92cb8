"""Anthropic's API, as providers offer it."""

from __future__ import annotations

from dataclasses import replace

from airouter.dialects.claude.betas import VERTEX_BETAS
from airouter.dialects.declared_names import unfit_names
from airouter.dialects.messages import COUNTED, UPSTREAM
from airouter.dialects.messages.counting import parse_count
from airouter.dialects.upstream_api import TokenCounter, UpstreamApi

MESSAGES = UpstreamApi(
    UPSTREAM,
    passes=frozenset({"messages", "count_tokens"}),
    unfit_name=unfit_names(longest=128),
    counter=TokenCounter(COUNTED.render_request, parse_count, UPSTREAM.fetches),
)
ON_VERTEX = replace(MESSAGES, betas=VERTEX_BETAS)
"""Of a Claude that Google runs."""
