"""JSON schemas as Anthropic takes them for answers: closed objects, and no bounds.

Source: what the API refuses, and the transformation in anthropic's SDK (`lib/_parse`). What is
taken out is told to the model in the description, as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json

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


def closed(schema: Json) -> Json:
    """A schema in the subset."""
    found: dict[str, Any] = {}
    notes = []
    for key, value in schema.items():
        if key in BOUNDS or (key == "minItems" and value not in {0, 1}):
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
        found["description"] = "\n\n".join(
            filter(None, [found.get("description"), "{" + ", ".join(notes) + "}"])
        )
    return found


def closed_any(schema: Any) -> Any:
    """A schema that may be true or false."""
    return closed(schema) if isinstance(schema, dict) else schema
