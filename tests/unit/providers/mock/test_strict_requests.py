"""What OpenAI refuses, the Mock refuses: a test of an application is not to pass by mistake."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airouter.config.snapshot import Mock
from airouter.providers.mock import MockUpstream

HELLO = {"role": "user", "content": "Hi"}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "seen"}


async def refusal(**fields: Any) -> dict[str, Any]:
    """The error that a chat gets."""
    body = json.dumps({"model": "m", "messages": [HELLO], **fields}).encode()
    reply = await MockUpstream(Mock()).send(b"/v1/chat/completions", b"", body)
    assert reply.status == 400
    error: dict[str, Any] = json.loads(await reply.read())["error"]
    return error


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": {}}, "tools"),
        ({"temprature": 1}, "temprature"),
        ({"temperature": 9}, "temperature"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        ({"messages": [HELLO, RESULT]}, "messages[1]"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
    ],
)
async def test_a_mistake_is_told_by_its_field(fields: dict[str, Any], param: str) -> None:
    assert (await refusal(**fields))["param"] == param


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ({"messages": [{"role": "robot"}]}, "system, developer, user, assistant, tool"),
        ({"response_format": {"type": "yaml"}}, "text, json_object, json_schema"),
        ({"reasoning_effort": "much"}, "high, low, max, medium, minimal, none, xhigh"),
        ({"modalities": ["smell"]}, "audio, image, text"),
    ],
)
async def test_the_values_that_a_field_may_have_are_listed(
    fields: dict[str, Any], values: str
) -> None:
    assert f"(one of: {values}" in (await refusal(**fields))["message"]


async def test_values_that_depend_on_another_field_are_not_guessed() -> None:
    error = await refusal(messages=[{"role": "user", "content": [{"type": "smell"}]}])
    assert error["param"] == "messages[0].content[0].type"
    assert "one of" not in error["message"]
