"""Whatever a request holds, the mock answers it or says what is wrong; it never breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airouter.config.snapshot import Mock
from airouter.providers.mock import MockUpstream

CHAT, COMPLETIONS, EMBEDDINGS = b"/v1/chat/completions", b"/v1/completions", b"/v1/embeddings"
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
SETTINGS = {"n": 1, "stop": "x", "max_tokens": 9, "stream": True, "stream_options": {}}
REQUESTS: dict[bytes, dict[str, Any]] = {
    CHAT: {
        "messages": [{"role": "user", "content": "Hello!"}],
        "tools": [TOOL],
        "tool_choice": "auto",
        "response_format": {"type": "text"},
        "metadata": {},
        "reasoning_effort": "low",
        "thinking": {"type": "enabled"},
        **SETTINGS,
    },
    COMPLETIONS: {"prompt": "Hello!", "metadata": {}, **SETTINGS},
    EMBEDDINGS: {"input": "Hello!", "dimensions": 9, "encoding_format": "float"},
}
"""One that is answered, for each path."""
NASTY: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 10**40, 1e308, "", "none", "required", "\0", "\ud800"),
    *([], [None], [[]], [{}], [True], [1.5], ["a", 1], {}, {"": None}, {"type": "json_schema"}),
    *({"type": "function"}, {"type": "function", "function": {"name": []}}, [[[[]]]] * 999),
]
WORDS = [
    *("type", "object", "array", "string", "integer", "number", "required", "properties", "items"),
    *("enum", "const", "anyOf", "allOf", "$ref", "#/", "minimum", "maximum", "exclusiveMinimum"),
    *("multipleOf", "minItems", "prefixItems", "minLength", "maxLength", "format", "uuid"),
]

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
values = st.recursive(
    scalars | st.sampled_from(WORDS),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(WORDS), inner),
    max_leaves=12,
)
bounded = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


async def status_of(path: bytes, fields: dict[str, Any]) -> int:
    body = json.dumps({"model": "m", **fields}).encode()
    reply = await MockUpstream(Mock()).send(path, b"", body)
    await reply.read()
    return reply.status


@pytest.mark.parametrize(("path", "fields"), REQUESTS.items())
async def test_a_request_is_answered_or_refused_whatever_stands_in_one_of_its_fields(
    path: bytes, fields: dict[str, Any]
) -> None:
    assert await status_of(path, fields) == 200
    for name in fields:
        for value in NASTY:
            assert await status_of(path, fields | {name: value}) in {200, 400}


@bounded
@given(st.dictionaries(st.sampled_from(WORDS), values))
async def test_a_format_with_any_schema_is_answered_or_refused(schema: dict[str, Any]) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    fields = REQUESTS[CHAT] | {"response_format": wanted}
    assert await status_of(CHAT, fields) in {200, 400}
