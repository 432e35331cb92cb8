"""OpenAI's Responses, as providers offer them: what clients ask passes, nothing is translated."""

from __future__ import annotations

import re

from airouter.dialects.declared_names import unfit_names
from airouter.dialects.responses.item_ids import OPENAI_IDS
from airouter.dialects.upstream_api import UpstreamApi

PACKED = re.compile(rb'"encrypted_content"\s*:\s*"__airouter1_')
PACKED_OR_SEALED = re.compile(rb'"encrypted_content"\s*:\s*"__airouter[12]_')
PASSED = frozenset({"responses", "compact", "input_tokens"})
UNFIT_NAME = unfit_names(longest=64)

RESPONSES = UpstreamApi(
    passes=PASSED,
    keeps_responses=True,
    foreign=PACKED_OR_SEALED,
    id_rule=OPENAI_IDS,
    unfit_name=UNFIT_NAME,
)
COMPATIBLE = UpstreamApi(passes=PASSED, keeps_responses=True, foreign=PACKED_OR_SEALED)
"""Of servers that imitate it, which take any name of a tool."""
ROUTER = UpstreamApi(passes=PASSED, keeps_responses=True, foreign=PACKED)
"""Of another router, which may have sealed what cannot be opened here."""
