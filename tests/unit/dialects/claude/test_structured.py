"""Schemas in the subset that Claude takes."""

from __future__ import annotations

from airouter.dialects.claude.structured import closed, is_recursive
from airouter.dialects.conversation import Json


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


def test_a_schema_that_contains_itself_is_found_however_deep_that_is() -> None:
    deep: Json = {"$ref": "#"}
    for _ in range(5_000):
        deep = {"items": [deep]}
    assert is_recursive({"properties": {"a": deep}})
    assert not is_recursive({"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {}}})
