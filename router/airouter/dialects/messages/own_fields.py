"""Fields that clients of Anthropic's own service add, and that other clouds refuse.

They are hints: the answer is the same without. A tool's `eager_input_streaming` has its arguments
streamed as they come, which SDKs ask for of their own accord, and the `scope` of a cache point says
who shares it.

Source: the errors of Vertex AI ("Extra inputs are not permitted").
"""

from __future__ import annotations

import re

import msgspec

from airouter.dialects.raw_json import RawFields
from airouter.untrusted import decoded_or_none

SCOPE = b'"scope"'
CACHE_SCOPE = re.compile(
    rb'("cache_control"\s*:\s*\{[^{}]*?)(?:,\s*"scope"\s*:\s*"\w*"|"scope"\s*:\s*"\w*"\s*,?)'
)
OF_TOOLS = "eager_input_streaming"
MARK = b'"eager_input_streaming"'

_fields = msgspec.json.Decoder(RawFields)
_tools = msgspec.json.Decoder(list[RawFields])


def without_own_fields(body: bytes) -> bytes:
    """Return a body for another cloud; the same where it has no such field, as nearly all."""
    if body.find(SCOPE) >= 0:
        body = CACHE_SCOPE.sub(rb"\1", body)
    if body.find(MARK) < 0:
        return body
    fields = _fields.decode(body)
    tools = decoded_or_none(_tools, fields.get("tools", msgspec.Raw(b"")))
    if tools is None:
        return body
    for tool in tools:
        tool.pop(OF_TOOLS, None)
    return msgspec.json.encode(fields | {"tools": msgspec.Raw(msgspec.json.encode(tools))})
