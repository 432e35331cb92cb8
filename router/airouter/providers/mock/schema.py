"""The smallest value that a JSON Schema accepts, for structured output and tool arguments.

Known is what providers know of JSON Schema: types and their bounds, formats, enum, const, required
properties, items, local references, unions. A pattern is not looked at. How much a schema may ask
for is bounded: a few lines of schema can describe more values than fit into memory. What bounds a
single value is in `scalars.py`.
"""

from __future__ import annotations

from typing import Any

from airouter.providers.mock.scalars import NoInstance, number_of, string_of

Schema = dict[str, Any]

MAX_VALUES = 5_000
"""Values that are tried for one schema."""


def instance(schema: Any) -> Any:
    """Return a value for a schema. Raises `NoInstance` if there is none, or none that is small."""
    return Inventor(schema).value(schema, ())


class Inventor:
    """Finds a value for one schema, within a budget."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = MAX_VALUES

    def value(self, schema: Any, path: tuple[str, ...]) -> Any:
        """Return a value for a part of the schema; `path` has the references that led here."""
        self._left -= 1
        if self._left < 0 or schema is False:
            raise NoInstance
        if not isinstance(schema, dict):
            return None
        if "$ref" in schema:
            return self._referred(str(schema["$ref"]), path)
        for name in ("const", "default"):
            if name in schema:
                return schema[name]
        if schema.get("enum"):
            return schema["enum"][0]
        if schema.get("allOf"):
            return self.value(self._merged(schema), path)
        branches = schema.get("anyOf") or schema.get("oneOf")
        return self._first(branches, path) if branches else self._of_type(schema, path)

    def _referred(self, name: str, path: tuple[str, ...]) -> Any:
        """Return a value for what a reference names; one inside itself would never end."""
        if name in path:
            raise NoInstance
        return self.value(resolve(name, self._root), (*path, name))

    def _first(self, branches: list[Any], path: tuple[str, ...]) -> Any:
        """Return a value for the first branch that has one."""
        for branch in branches:
            try:
                return self.value(branch, path)
            except NoInstance:
                continue
        raise NoInstance

    def _merged(self, schema: Schema) -> Schema:
        """Merge a schema and all of its `allOf`."""
        whole = {name: part for name, part in schema.items() if name != "allOf"}
        for part in schema["allOf"]:
            target = resolve(part["$ref"], self._root) if "$ref" in part else part
            properties = {**whole.get("properties", {}), **target.get("properties", {})}
            required = [*whole.get("required", ()), *target.get("required", ())]
            whole = {**whole, **target, "properties": properties, "required": required}
        return whole

    def _of_type(self, schema: Schema, path: tuple[str, ...]) -> Any:
        """Return a value by the schema's `type`, the first where there are several."""
        kind = schema.get("type", "object" if "properties" in schema else "null")
        kind = kind[0] if isinstance(kind, list) and kind else kind
        match kind:
            case "object":
                return self._object(schema, path)
            case "array":
                return self._array(schema, path)
            case "string":
                return string_of(schema)
            case "integer" | "number":
                return number_of(schema, whole=kind == "integer")
            case "boolean":
                return True
            case _:
                return None

    def _object(self, schema: Schema, path: tuple[str, ...]) -> Schema:
        """Return an object with its required properties."""
        properties = schema.get("properties", {})
        return {
            name: self.value(properties.get(name, {"type": "string"}), path)
            for name in schema.get("required", ())
        }

    def _array(self, schema: Schema, path: tuple[str, ...]) -> list[Any]:
        """Return an array of its first items, and of as many more as there have to be."""
        first = [self.value(item, path) for item in schema.get("prefixItems", ())]
        more = int(schema.get("minItems", 0)) - len(first)
        return first + [self.value(schema.get("items"), path) for _ in range(more)]


def resolve(reference: str, root: Any) -> Any:
    """Return what a local reference (`#/$defs/Name`) points at; None for any other."""
    found = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        if part and isinstance(found, dict):
            found = found.get(part.replace("~1", "/").replace("~0", "~"))
    return found if isinstance(found, dict) else None
