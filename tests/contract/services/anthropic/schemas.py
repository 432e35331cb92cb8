"""The part of JSON Schema that the strict Anthropic holds an answer or a strict tool to.

Sources: `lib/_parse/_transform.py` of the SDK, which says what has to be taken out, and refusals
that people quote in public issue threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contract.services.anthropic.refusals import invalid
from contract.services.anthropic.request import Request

Body = dict[str, Any]

BOUNDS = {
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "string": ("minLength", "maxLength"),
    "array": ("maxItems", "uniqueItems", "contains"),
    "object": ("minProperties", "maxProperties", "patternProperties", "propertyNames"),
}
"""What is not taken, by the type that it bounds."""
UNSUPPORTED = ("oneOf", "not", "if", "dependentRequired", "dependentSchemas")
MAPS = ("properties", "$defs", "definitions")


def schemas_are_in_the_subset(request: Request) -> None:
    for place, schema in kept_schemas(request):
        for part in parts_of(schema):
            what = fault_of(part)
            if what is not None:
                raise invalid(f"{place}: {what}")
        if is_recursive(schema):
            raise invalid(f"{place}: Circular reference detected in schema definitions")


def kept_schemas(request: Request) -> Iterator[tuple[str, Body]]:
    """The schemas that are to be kept to the letter, and where they stand."""
    wanted = (request.body.get("output_config") or {}).get("format")
    if wanted:
        yield "output_config.format.schema", wanted["schema"]
    for number, tool in enumerate(request.tools):
        if tool.get("strict") and "input_schema" in tool:
            yield f"tools.{number}.custom.input_schema", tool["input_schema"]


def parts_of(schema: Any) -> Iterator[Body]:
    """A schema and all schemas in it; not what merely is called like a keyword."""
    if isinstance(schema, list):
        for each in schema:
            yield from parts_of(each)
    if isinstance(schema, dict):
        yield schema
        for name, value in schema.items():
            if name in MAPS and isinstance(value, dict):
                yield from parts_of(list(value.values()))
            elif name not in {"enum", "const", "default", "examples", "required"}:
                yield from parts_of(value)


def fault_of(schema: Body) -> str | None:
    """What is wrong with one schema, those inside aside."""
    kind = schema.get("type")
    if kind == "object" and schema.get("additionalProperties") is not False:
        return "For 'object' type, 'additionalProperties' must be explicitly set to false"
    if kind == "array" and schema.get("minItems", 0) not in {0, 1}:
        return "For 'array' type, 'minItems' values other than 0 or 1 are not supported"
    for name in BOUNDS.get(kind, ()) if isinstance(kind, str) else ():
        if name in schema:
            return f"For '{kind}' type, property '{name}' is not supported"
    for name in UNSUPPORTED:
        if name in schema:
            return f"Schema type '{name}' is not supported"
    return None


def is_recursive(schema: Body) -> bool:
    """Whether a definition leads back to itself."""
    definitions = schema.get("$defs") or schema.get("definitions") or {}
    leads = {name: {*references(part)} & {*definitions} for name, part in definitions.items()}
    for _ in definitions:
        leads = {
            name: found.union(*(leads[each] for each in found)) for name, found in leads.items()
        }
    return any(name in found for name, found in leads.items()) or "#" in references(schema)


def references(schema: Any) -> list[str]:
    """The names of the definitions that are referred to; `#` for the schema itself."""
    return [part["$ref"].rpartition("/")[2] for part in parts_of(schema) if "$ref" in part]
