"""The APIs of OpenAI and of those that imitate it, as providers offer them."""

from __future__ import annotations

from airouter.dialects.chat import COMPATIBLE as COMPATIBLE_DIALECT
from airouter.dialects.chat import UPSTREAM
from airouter.dialects.upstream_api import UpstreamApi

PASSED = frozenset({"chat", "completions", "embeddings", "images"})

OPENAI = UpstreamApi(UPSTREAM, passes=PASSED)
COMPATIBLE = UpstreamApi(COMPATIBLE_DIALECT, passes=PASSED)
"""Of servers that know fewer words than OpenAI."""
