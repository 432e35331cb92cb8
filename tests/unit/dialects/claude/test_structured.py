"""Schemas in the subset that Claude takes."""

from __future__ import annotations

from airouter.dialects.claude.structured import closed


def test_a_schema_is_closed_and_its_bounds_are_told_in_words() -> None:
    schema = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 1, "description": "Years"},
            "tags": {"type": "array", "minItems": 3, "items": {"type": "string", "maxLength": 5}},
            "either": {"oneOf": [{"type": "object", "properties": {}}, True]},
        },
        "$defs": {"deep": {"type": "object"}},
    }
    assert closed(schema) == {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "description": "Years\n\n{minimum: 1}"},
            "tags": {
                "type": "array",
                "items": {"type": "string", "description": "{maxLength: 5}"},
                "description": "{minItems: 3}",
            },
            "either": {
                "anyOf": [
                    {"type": "object", "properties": {}, "additionalProperties": False},
                    True,
                ]
            },
        },
        "$defs": {"deep": {"type": "object", "additionalProperties": False}},
        "additionalProperties": False,
    }
