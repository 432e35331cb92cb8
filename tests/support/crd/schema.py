"""The CustomResourceDefinitions as they stand in `manifests/crds/`, and what a schema refuses.

Only the part of OpenAPI that the definition uses is understood. Rules in CEL are not evaluated:
only a real API server does that.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Schema = dict[str, Any]

CRDS = Path(__file__).parents[3] / "manifests" / "crds"
CONFIGS, KEYS = "routerconfigs", "routerkeys"
RULES = "x-kubernetes-validations"
PRESERVE = "x-kubernetes-preserve-unknown-fields"
LIST_TYPE = "x-kubernetes-list-type"
MAP_KEYS = "x-kubernetes-list-map-keys"
INT_OR_STRING = "x-kubernetes-int-or-string"

KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    INT_OR_STRING: (int, str),
}


class Violation(NamedTuple):
    """A keyword of the schema that a value breaks."""

    field: str
    """Of the value: `spec.credentials[0].name`."""
    place: str
    """Of the schema: `spec.credentials[].name`."""
    keyword: str


@cache
def definition(plural: str = CONFIGS) -> Schema:
    """The whole definition of a kind. Not to be changed."""
    loaded: Schema = yaml.safe_load((CRDS / f"{plural}.airouter.dev.yaml").read_text("utf-8"))
    return loaded


def version(plural: str = CONFIGS) -> Schema:
    """Its only version."""
    (only,) = definition(plural)["spec"]["versions"]
    found: Schema = only
    return found


def root_schema(plural: str = CONFIGS) -> Schema:
    """The schema of the whole object."""
    found: Schema = version(plural)["schema"]["openAPIV3Schema"]
    return found


def spec_schema(plural: str = CONFIGS) -> Schema:
    """The schema of its spec."""
    found: Schema = root_schema(plural)["properties"]["spec"]
    return found


def nodes(schema: Schema, place: str = "spec") -> Iterator[tuple[str, Schema]]:
    """Every schema inside one, itself included, and its place."""
    yield place, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(inner, f"{place}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{place}[]")
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{place}{{}}")


def bare(schema: Schema) -> Schema:
    """What a schema demands, without what it says and what it fills in."""
    kept: Schema = {}
    for keyword, value in schema.items():
        if keyword == "properties":
            kept[keyword] = {name: bare(inner) for name, inner in value.items()}
        elif keyword in {"items", "additionalProperties"}:
            kept[keyword] = bare(value)
        elif keyword not in {"description", "default"}:
            kept[keyword] = value
    return kept


def violations(
    schema: Schema, value: Any, field: str = "spec", place: str = "spec"
) -> Iterator[Violation]:
    """What a value breaks, itself and inside."""
    if not is_a(kind_of(schema), value):
        yield Violation(field, place, "type")
        return
    for keyword, holds in CHECKS.items():
        if keyword in schema and concerns(keyword, value) and not holds(schema[keyword], value):
            yield Violation(field, place, keyword)
    if isinstance(value, dict):
        yield from inside_object(schema, value, field, place)
    if isinstance(value, list):
        if has_twice(schema, value):
            yield Violation(field, place, LIST_TYPE)
        for at, item in enumerate(value):
            yield from violations(schema["items"], item, f"{field}[{at}]", f"{place}[]")


def inside_object(
    schema: Schema, value: dict[str, Any], field: str, place: str
) -> Iterator[Violation]:
    """What a mapping breaks; null means absent."""
    given = {name: inner for name, inner in value.items() if inner is not None}
    known = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in given:
            yield Violation(f"{field}.{name}", place, "required")
    for name, inner in given.items():
        if name in known:
            yield from violations(known[name], inner, f"{field}.{name}", f"{place}.{name}")
        elif "additionalProperties" in schema:
            values = schema["additionalProperties"]
            yield from violations(values, inner, f"{field}.{name}", f"{place}{{}}")
        elif not schema.get(PRESERVE):
            yield Violation(f"{field}.{name}", place, "properties")


def kind_of(schema: Schema) -> str:
    """The type that a schema demands."""
    return INT_OR_STRING if schema.get(INT_OR_STRING) else str(schema["type"])


def concerns(keyword: str, value: Any) -> bool:
    """Whether a bound says something of a value, where that may be of two types."""
    return isinstance(value, str) == (keyword in OF_TEXTS) or keyword == "enum"


def is_a(kind: str, value: Any) -> bool:
    """Whether a value is of a type of JSON."""
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def matches(pattern: str, text: str) -> bool:
    """Whether a text matches; `$` is the very end, and classes are ASCII, as in Go."""
    return re.search(re.sub(r"\$$", r"\\Z", pattern), text, re.ASCII) is not None


def has_twice(schema: Schema, items: list[Any]) -> bool:
    """Whether a set or a map has an item twice."""
    if schema[LIST_TYPE] == "atomic":
        return False
    keys = schema.get(MAP_KEYS)
    if keys:
        items = [[item.get(key) for key in keys] for item in items if isinstance(item, dict)]
    return len(set(map(json.dumps, items))) < len(items)


OF_TEXTS = {"pattern", "minLength", "maxLength"}
CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    "enum": lambda known, value: value in known,
    "pattern": matches,
    "minLength": lambda least, text: len(text) >= least,
    "maxLength": lambda most, text: len(text) <= most,
    "minimum": lambda least, number: number >= least,
    "exclusiveMinimum": lambda _, number: number != 0,
    "maximum": lambda most, number: number <= most,
    "minItems": lambda least, items: len(items) >= least,
    "maxItems": lambda most, items: len(items) <= most,
    "minProperties": lambda least, fields: len(fields) >= least,
    "maxProperties": lambda most, fields: len(fields) <= most,
}
"""Whether a bound holds for a value of the right type. The only exclusive minimum is 0."""
