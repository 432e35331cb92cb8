"""JSON Schemas as Gemini takes them.

Google knows a part of JSON Schema: a `$ref` has nothing beside it, and what is not known is refused
or not heeded. What can be told in words goes into the description.

Source: `responseJsonSchema` in Google's API reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airouter.dialects.schema_notes import with_notes

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json

DEFINITIONS = ("$defs", "definitions")
MAPS = ("properties", *DEFINITIONS)
LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
ONES = ("items", "additionalProperties")
TOLD = frozenset({"not", "patternProperties", "propertyNames", "if", "then", "else", "contains"})
"""Keywords that the model is told of in words."""
LEFT_OUT = frozenset({"discriminator"})
"""Keywords that say nothing more than the rest of a schema."""
FORMATS = frozenset(
    {"date-time", "date", "time", "duration", "int32", "int64", "float", "double", "enum"}
)
MOST_INLINED = 10_000
"""Schemas that are put in place of references: each may lead to others."""


def google_schema(schema: Json) -> Json:
    """Return a schema of an object, or of an answer, as Gemini takes it."""
    return Inliner(schema).of(schema)


class Inliner:
    """Puts what references lead to in their place, where something stands beside them."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._open: list[str] = []
        """References in whose place we are: one that comes again has no end."""
        self._room = MOST_INLINED

    def of(self, schema: Json) -> Json:
        """Return one schema."""
        if self._open:
            self._room -= 1
        found: dict[str, Any] = {}
        told: Json = {}
        for key, value in schema.items():
            if key in TOLD or (key == "format" and value not in FORMATS):
                told[key] = value
            elif key not in LEFT_OUT:
                found[key] = self._inner(key, value)
        found = with_notes(found, told)
        reference = schema.get("$ref")
        if isinstance(reference, str) and any(not key.startswith("$") for key in found):
            return self._inlined(reference, found)
        return found

    def _inner(self, key: str, value: Any) -> Any:
        if key in MAPS and isinstance(value, dict):
            return {name: self._any(each) for name, each in value.items()}
        if key in LISTS and isinstance(value, list):
            return [self._any(each) for each in value]
        return self._any(value) if key in ONES else value

    def _any(self, schema: Any) -> Any:
        return self.of(schema) if isinstance(schema, dict) else schema

    def _inlined(self, reference: str, beside: Json) -> Json:
        """Return a schema in place of a reference; the reference alone where that has no end."""
        target = self._target(reference)
        if target is None or reference in self._open or self._room <= 0:
            return {key: value for key, value in beside.items() if key.startswith("$")}
        self._open.append(reference)
        found = self.of(target)
        self._open.pop()
        return found | {key: value for key, value in beside.items() if key != "$ref"}

    def _target(self, reference: str) -> Json | None:
        """Return the definition that a reference names, such as `#/$defs/City`."""
        place, _, name = reference.removeprefix("#/").partition("/")
        definitions = self._root.get(place) if place in DEFINITIONS else None
        target = definitions.get(name) if isinstance(definitions, dict) else None
        return target if isinstance(target, dict) else None
