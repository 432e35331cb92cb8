"""Answers in JSON: schemas as Anthropic takes them, with closed objects and without bounds.

Source: what the API refuses, and the transformation in anthropic's SDK (`lib/_parse`). What is
taken out is told to the model in the description, as there. A strict tool takes the same subset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airouter.dialects.conversation import Format, Json

JSON_ONLY = "Answer with one JSON object and nothing else."
"""The instruction that stands for a format which has no schema."""
BOUNDS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
)
MAPS = ("properties", "$defs", "definitions")
LISTS = ("anyOf", "allOf", "oneOf")


def wants_any_json(wanted: Format | None) -> bool:
    """Return whether any JSON object will do for an answer."""
    return wanted is not None and wanted.kind == "json_object"


def wants_schema(wanted: Format | None) -> bool:
    """Return whether an answer must keep to a schema."""
    return wanted is not None and wanted.kind == "json_schema"


def answer_schema(wanted: Format) -> Json:
    """Return the schema of an answer in the subset; that of any object where a client gave none."""
    return closed(wanted.schema or {"type": "object", "properties": {}})


def closed(schema: Json) -> Json:
    """Return a schema in the subset."""
    found: dict[str, Any] = {}
    notes = []
    for key, value in schema.items():
        if key in BOUNDS or (key == "minItems" and value not in (0, 1)):
            notes.append(f"{key}: {value}")
        elif key in MAPS and isinstance(value, dict):
            found[key] = {name: closed_any(each) for name, each in value.items()}
        elif key in LISTS and isinstance(value, list):
            found["anyOf" if key == "oneOf" else key] = [closed_any(each) for each in value]
        elif key == "items":
            found[key] = closed_any(value)
        else:
            found[key] = value
    if found.get("type") == "object" or "properties" in found:
        found["additionalProperties"] = False
    if notes:
        told = found.get("description")
        note = "{" + ", ".join(notes) + "}"
        found["description"] = f"{told}\n\n{note}" if told and isinstance(told, str) else note
    return found


def closed_any(schema: Any) -> Any:
    """Return what stands for a schema in the subset, also where it is true or false."""
    return closed(schema) if isinstance(schema, dict) else schema
