"""What a response repeats of its request."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.responses.parse_request import MOST_REPEATED, parse_request

LONG = "x" * MOST_REPEATED
FUNCTION: dict[str, Any] = {"type": "function", "name": "f", "parameters": {}, "strict": None}


def repeated(**fields: Any) -> dict[str, Any]:
    """What a response repeats."""
    request = {"model": "m", "input": "hi", **fields}
    echo = parse_request(msgspec.json.encode(request)).echo
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(echo))
    return told


def test_instructions_and_tools_are_repeated() -> None:
    told = repeated(instructions="Be brief.", tools=[FUNCTION])
    assert told["instructions"] == "Be brief."
    assert [tool["name"] for tool in told["tools"]] == ["f"]


@pytest.mark.parametrize(
    ("field", "value", "default"),
    [
        ("instructions", LONG, None),
        ("tools", [{**FUNCTION, "description": LONG}], []),
        ("user", LONG, None),
    ],
)
def test_a_field_that_is_too_large_is_not_repeated(field: str, value: Any, default: Any) -> None:
    assert repeated(**{field: value})[field] == default
