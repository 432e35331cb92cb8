"""The APIs of OpenAI and of those that imitate it, as providers offer them."""

from __future__ import annotations

from airouter.dialects.chat import COMPATIBLE as COMPATIBLE_DIALECT
from airouter.dialects.chat import MISTRAL as MISTRAL_DIALECT
from airouter.dialects.chat import UPSTREAM
from airouter.dialects.chat.call_ids import MISTRAL_IDS, OPENAI_IDS
from airouter.dialects.chat.history import ADDED
from airouter.dialects.chat.mistral import WORDS
from airouter.dialects.declared_names import unfit_names
from airouter.dialects.upstream_api import UpstreamApi

PASSED = frozenset({"chat", "completions", "embeddings", "images"})

OPENAI = UpstreamApi(
    UPSTREAM,
    passes=PASSED,
    refused_fields=ADDED,
    id_rule=OPENAI_IDS,
    unfit_name=unfit_names(longest=64),
)
ROUTER = UpstreamApi(UPSTREAM, passes=PASSED)
"""Of another router, which knows what the provider behind it takes."""
COMPATIBLE = UpstreamApi(COMPATIBLE_DIALECT, passes=PASSED, in_pieces=True)
"""Of servers that know fewer words than OpenAI."""
MISTRAL = UpstreamApi(
    MISTRAL_DIALECT,
    passes=PASSED,
    refused_fields=ADDED,
    id_rule=MISTRAL_IDS,
    words=WORDS,
    in_pieces=True,
)
"""Of Mistral's own service."""
