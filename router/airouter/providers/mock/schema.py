"""The smallest value that a JSON Schema accepts, for structured output and tool arguments.

It knows what providers know of JSON Schema: types, enum, const, required properties, items, local
references and unions. Depth is bounded, so a schema that refers to itself ends.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

MAX_DEPTH = 16


def instance(schema: Any, root: Schema | None = None, depth: int = 0) -> Any:
    """A value for a schema; `root` is where local references begin."""
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return None
    root = schema if root is None else root
    if "$ref" in schema:
        return instance(resolve(schema["$ref"], root), root, depth + 1)
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    if schema.get("enum"):
        return schema["enum"][0]
    for name in ("anyOf", "oneOf", "allOf"):
        if schema.get(name):
            return instance(schema[name][0], root, depth + 1)
    return of_type(schema, root, depth)


def of_type(schema: Schema, root: Schema, depth: int) -> Any:
    """A value by the schema's `type`, the first where there are several."""
    kind = schema.get("type", "object" if "properties" in schema else "null")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    match kind:
        case "object":
            return object_of(schema, root, depth)
        case "array":
            count = min(int(schema.get("minItems", 0)), 16)
            return [instance(schema.get("items"), root, depth + 1) for _ in range(count)]
        case "string":
            return "x" * max(4, min(int(schema.get("minLength", 0)), 256))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return None


def object_of(schema: Schema, root: Schema, depth: int) -> Schema:
    """An object with its required properties."""
    properties = schema.get("properties", {})
    return {
        name: instance(properties.get(name, {"type": "string"}), root, depth + 1)
        for name in schema.get("required", ())
    }


def resolve(reference: Any, root: Schema) -> Any:
    """What a local reference (`#/$defs/Name`) points at; None for any other."""
    found: Any = root
    for part in str(reference).removeprefix("#").strip("/").split("/"):
        if part:
            found = found.get(part.replace("~1", "/").replace("~0", "~"))
        if not isinstance(found, dict):
            return None
    return found
