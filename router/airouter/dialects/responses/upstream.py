"""OpenAI's Responses, as providers offer them: what clients ask passes, nothing is translated."""

from __future__ import annotations

import re

from airouter.dialects.upstream_api import UpstreamApi

PACKED = re.compile(rb'"encrypted_content"\s*:\s*"__airouter1_')
PACKED_OR_SEALED = re.compile(rb'"encrypted_content"\s*:\s*"__airouter[12]_')
PASSED = frozenset({"responses", "compact", "input_tokens"})

RESPONSES = UpstreamApi(passes=PASSED, keeps_responses=True, foreign=PACKED_OR_SEALED)
ROUTER = UpstreamApi(passes=PASSED, keeps_responses=True, foreign=PACKED)
"""Of another router, which may have sealed what cannot be opened here."""
