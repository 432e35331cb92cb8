"""Keywords of a JSON Schema that a provider does not take, told to the model in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json


def with_notes(schema: Json, told: Json) -> Json:
    """Return a schema whose description ends with some keywords, as `{minLength: 2}`."""
    if not told:
        return schema
    note = "{" + ", ".join(f"{key}: {in_words(value)}" for key, value in told.items()) + "}"
    said = schema.get("description")
    description = f"{said}\n\n{note}" if said and isinstance(said, str) else note
    return {**schema, "description": description}


def in_words(value: object) -> str:
    """Return a value as it reads best: a string without its quotes."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
