"""Answers in JSON: schemas as Anthropic takes them, with closed objects and without bounds.

Source: what the API refuses, and the transformation in anthropic's SDK (`lib/_parse`). What is
taken out is told to the model in the description, as there. A strict tool takes the same subset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airouter.dialects.schema_notes import with_notes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.conversation import Format, Json

JSON_ONLY = "Answer with one JSON object and nothing else."
"""The instruction that stands for a format which has no schema."""
FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
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
    "not",
    "prefixItems",
    "contains",
    "minContains",
    "maxContains",
    "propertyNames",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "unevaluatedProperties",
    "unevaluatedItems",
)
"""Keywords that the model is told of in words."""
UNHELD = "cannot be held to a schema with objects of any names, or one that contains itself"
LEFT_OUT = frozenset({"discriminator"})
"""Keywords that say nothing more than the rest of a schema."""
SHAPES = ("properties", "anyOf", "allOf", "oneOf", "$ref", "enum", "const")
"""Keywords that say what an object is like."""
MAPS = ("properties", "$defs", "definitions")
LISTS = ("anyOf", "allOf", "oneOf")


def wants_any_json(wanted: Format | None) -> bool:
    """Return whether any JSON object will do for an answer."""
    return wanted is not None and wanted.kind == "json_object"


def wants_schema(wanted: Format | None) -> bool:
    """Return whether an answer must keep to a schema."""
    return wanted is not None and wanted.kind == "json_schema"


def answer_schema(wanted: Format) -> Json:
    """Return the schema of an answer in the subset, which has no maps: see `has_maps`."""
    return closed(wanted_schema(wanted))


def wanted_schema(wanted: Format) -> Json:
    """Return the schema of an answer; that of any object where a client gave none."""
    return wanted.schema or {"type": "object"}


def wants_map(wanted: Format | None) -> bool:
    """Return whether an answer must keep to a schema in which there are maps."""
    return wanted is not None and wants_schema(wanted) and has_maps(wanted_schema(wanted))


def wants_recursion(wanted: Format | None) -> bool:
    """Return whether an answer must keep to a schema that contains itself."""
    return wanted is not None and wants_schema(wanted) and is_recursive(wanted_schema(wanted))


def is_recursive(schema: Json) -> bool:
    """Return whether a schema contains itself, or a definition of its own does."""
    named: dict[str, Any] = {"#": {**schema, "$defs": None, "definitions": None}}
    for key in ("$defs", "definitions"):
        definitions = schema.get(key)
        if isinstance(definitions, dict):
            named |= {f"#/{key}/{name}": each for name, each in definitions.items()}
    users: dict[str, list[str]] = {name: [] for name in named}
    unmet = dict.fromkeys(named, 0)
    for name, each in named.items():
        for reference in set(references_in(each)) & named.keys():
            users[reference].append(name)
            unmet[name] += 1
    plain = [name for name, count in unmet.items() if not count]
    for name in plain:  # which grows by those that refer to plain ones alone
        for user in users[name]:
            unmet[user] -= 1
            if not unmet[user]:
                plain.append(user)
    return len(plain) < len(named)


def references_in(schema: Any) -> Iterator[str]:
    """Yield the references in a schema."""
    left = [schema]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            reference = each.get("$ref")
            if isinstance(reference, str):
                yield reference
            left.extend(each.values())
        elif isinstance(each, list):
            left.extend(each)


def closed(schema: Json) -> Json:
    """Return a schema in the subset."""
    found: dict[str, Any] = {}
    told: Json = {}
    for key, value in schema.items():
        if is_told(key, value):
            told[key] = value
        elif key in LEFT_OUT:
            continue
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
    return with_notes(found, told)


def is_told(key: str, value: Any) -> bool:
    """Return whether a keyword is told in words: Claude cannot be held to it."""
    if key == "minItems":
        return value not in (0, 1)
    return key in BOUNDS or (key == "format" and value not in FORMATS)


def has_maps(schema: Any) -> bool:
    """Return whether an object in a schema has names of its own choice: closed, only `{}` fits."""
    if isinstance(schema, list):
        return any(map(has_maps, schema))
    if not isinstance(schema, dict):
        return False
    inner = [schema.get(key) for key in (*LISTS, "items")]
    for key in MAPS:
        named = schema.get(key)
        inner += named.values() if isinstance(named, dict) else ()
    return is_map(schema) or any(map(has_maps, inner))


def is_map(schema: Json) -> bool:
    """Return whether a schema is that of a map."""
    more = schema.get("additionalProperties")
    if isinstance(more, dict) or schema.get("patternProperties"):
        return True
    kind = schema.get("type")
    if more is False or (kind != "object" and not (isinstance(kind, list) and "object" in kind)):
        return False
    return not any(key in schema for key in SHAPES)


def closed_any(schema: Any) -> Any:
    """Return what stands for a schema in the subset, also where it is true or false."""
    return closed(schema) if isinstance(schema, dict) else schema
