"""The schema that the pydantic models stand for, in the words of a CustomResourceDefinition.

Types, fields, defaults, enums and bounds are read off the models; `grammars.py` has the rest.
"""

from __future__ import annotations

import json
import re
import types
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from pydantic import BaseModel

from airouter.config.resource import Spec
from airouter.config.resource import fields as grammar
from airouter.config.resource.auth import ModelLimits
from airouter.config.resource.price import PriceTier
from support.crd.grammars import KEYS, PARTS, SCALARS, Validator, flat, ruled, validator
from support.crd.schema import INT_OR_STRING, LIST_TYPE, MAP_KEYS, RULES, Schema, bare, nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic.fields import FieldInfo

Fact = tuple[str, str, str]
"""A place in a schema, a keyword there, and its value as text."""

ORDERED = {"fallbacks"}
"""Lists of different values whose order means something: one writer decides on all of it."""
KEYED: dict[type[BaseModel], str] = {
    ModelLimits: "models",
    PriceTier: "aboveTokens",
}
"""Items of lists that are told apart by something else than a name."""
UNIQUE = "self.all(a, self.exists_one(b, a == b))"
UNLIKE = (
    "self.all(a, self.exists_one(b, has(a.statusCode) ? has(b.statusCode) && "
    "a.statusCode == b.statusCode : has(a.errorCode) && has(b.errorCode) && "
    "a.errorCode == b.errorCode))"
)
"""Rules for bans differ in the failures that they are about."""


def expected(part: type[BaseModel] = Spec) -> Schema:
    """The schema of a part."""
    fields = list(part.model_fields.values())
    schema: Schema = {
        "type": "object",
        "properties": {str(field.alias): schema_of_field(field) for field in fields},
    }
    if required := [str(field.alias) for field in fields if field.is_required()]:
        schema["required"] = required
    if part in PARTS:
        schema[RULES] = ruled(*PARTS[part])
    return schema


def schema_of_field(field: FieldInfo) -> Schema:
    """The schema of a field. Only single values have a default, as the manifest explains."""
    schema = schema_of(field.annotation, field.metadata)
    if isinstance(field.default, bool | int | float | str):
        schema["default"] = field.default
    if field.alias in ORDERED:
        schema |= {LIST_TYPE: "atomic", RULES: ruled(UNIQUE)}
    if field.alias == "rules":
        schema |= {LIST_TYPE: "atomic", RULES: ruled(UNLIKE)}
    return schema


def schema_of(annotation: Any, metadata: Iterable[Any] = ()) -> Schema:
    """The schema of a type with what is said about it."""
    said = list(flat(metadata))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return schema_of(arguments[0], [*annotation.__metadata__, *said])
    if origin in {Union, types.UnionType}:
        (only,) = (each for each in arguments if each is not types.NoneType)
        return schema_of(only, said)
    if origin is list:
        schema = schema_of_list(arguments[0], said)
    elif origin is dict:
        schema = schema_of_mapping(*arguments)
    elif origin is Literal:
        schema = {"type": "string", "enum": list(arguments)}
    elif issubclass(annotation, BaseModel):
        schema = expected(annotation)
    else:
        schema = dict(PLAIN[annotation])
    for each in said:
        schema |= bound(each, schema.get("type", ""))
        schema |= SCALARS.get(each, {}) if isinstance(each, Validator) else {}
        if INT_OR_STRING in schema:  # which stands in place of a type
            schema = {k: v for k, v in schema.items() if k not in {"type", "format"}}
    return schema


PLAIN: dict[type, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "format": "int32"},
    float: {"type": "number"},
    str: {"type": "string"},
}


def schema_of_list(item: Any, said: list[Any]) -> Schema:
    """The schema of a list: a map by its items' key, a set, or something that has one writer."""
    schema: Schema = {"type": "array", "items": schema_of(item), LIST_TYPE: "atomic"}
    if key := key_of(item):
        return {**schema, LIST_TYPE: "map", MAP_KEYS: [key]}
    return {**schema, LIST_TYPE: "set"} if any(map(is_unique, said)) else schema


def key_of(item: Any) -> str:
    """The field by which the items of a list are told apart, if they have one."""
    if isinstance(item, type) and issubclass(item, BaseModel):
        return "name" if "name" in item.model_fields else KEYED.get(item, "")
    return ""


def schema_of_mapping(key: Any, value: Any) -> Schema:
    """The schema of a mapping with any keys."""
    if value is Any:
        return {"type": "object"}
    rule = KEYS[validator(key)]
    return {"type": "object", "additionalProperties": schema_of(value), RULES: ruled(rule)}


def bound(said: Any, kind: str) -> Schema:
    """What a bound of pydantic is for a type."""
    match said:
        case Ge(ge=least):
            return {"minimum": least}
        case Gt(gt=least):
            return {"minimum": least, "exclusiveMinimum": True}
        case Le(le=most):
            return {"maximum": most}
        case MaxLen(max_length=most):
            return {f"max{SIZES[kind]}": most}
        case MinLen(min_length=least):
            return {f"min{SIZES[kind]}": least}
    return {}


SIZES = {"string": "Length", "array": "Items", "object": "Properties"}


def is_unique(said: Any) -> bool:
    """Whether this is the validator that refuses an entry given twice."""
    made_by = getattr(getattr(said, "func", None), "__qualname__", "")
    return str(made_by).startswith(f"{grammar.unique.__name__}.")


def facts(schema: Schema, place: str = "spec") -> Iterator[Fact]:
    """Everything that a schema says, piece by piece, without what it says to people."""
    for keyword, value in schema.items():
        if keyword == "properties":
            for name, inner in value.items():
                yield from facts(inner, f"{place}.{name}")
        elif keyword in {"items", "additionalProperties"}:
            yield from facts(value, f"{place}[]" if keyword == "items" else f"{place}{{}}")
        elif keyword != "description":
            yield place, keyword, shown(keyword, value, schema.get("format"))


def shown(keyword: str, value: Any, form: Any) -> str:
    """A keyword's value as text, the same for all ways to write it."""
    if keyword == "required":
        value = sorted(value)
    elif keyword == RULES:
        value = [rule["rule"] for rule in value]
    elif keyword == "default" and form == "duration":
        value = seconds(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value)


def seconds(value: float | str) -> float | str:
    """A duration in seconds, whichever way it is given."""
    if isinstance(value, str) and grammar.DURATION.fullmatch(value):
        return sum(int(n) * grammar.UNITS[unit] for n, unit in grammar.AMOUNT.findall(value))
    return value


def outside_lists(schema: Schema) -> Schema:
    """A schema without the defaults inside of lists, which the manifest leaves to the router."""
    kept = dict(schema)
    if "items" in schema:
        kept["items"] = bare(schema["items"])
    if "properties" in schema:
        kept["properties"] = {n: outside_lists(inner) for n, inner in schema["properties"].items()}
    return kept


def undescribed(schema: Schema, modelled: Schema, place: str) -> Iterator[str]:
    """Every default of the models that the schema's descriptions do not tell."""
    told = {place: node.get("description", "") for place, node in nodes(schema, place)}
    for place, node in nodes(modelled, place):
        found = re.search(r"\bDefault (\S+?)[.,](\s|$)", told.get(place, ""))
        if "default" in node and (not found or not is_told(node["default"], found[1])):
            yield f"the CRD does not describe the default {node['default']!r} of {place}"


def is_told(default: Any, words: str) -> bool:
    """Whether words say what a default is."""
    if isinstance(default, bool | str):
        return json.dumps(default).strip('"') == words
    return words == f"{default:g}" or seconds(words) == default


def differences(schema: Schema, modelled: Schema, place: str = "spec") -> list[str]:
    """Where a schema and that of its models differ, from some place on."""
    kept = bare(modelled) if "[]" in place else outside_lists(modelled)
    declared, demanded = set(facts(schema, place)), set(facts(kept, place))
    return [
        *(f"only the CRD has {fact}" for fact in sorted(declared - demanded)),
        *(f"only the models have {fact}" for fact in sorted(demanded - declared)),
        *undescribed(schema, modelled, place),
    ]
