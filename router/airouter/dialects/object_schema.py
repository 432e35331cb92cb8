"""Parameters of a tool as one object, which is all that providers take at the top of a schema.

Servers of tools write a choice of several objects there (`oneOf`), or an object made of others
(`allOf`). Anthropic, Bedrock and OpenAI refuse the whole request for it ("input_schema does not
support oneOf, allOf, or anyOf at the top level"). The properties of all of them become those of one
object, and the model is told of the choice in the description.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.schema_notes import with_notes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.conversation import Json

UNIONS = ("anyOf", "oneOf", "allOf")
TOLD = (*UNIONS, "not", "enum")
"""Keywords that may not stand at the top."""
DEFINITIONS = ("#/$defs/", "#/definitions/")


def object_schema(schema: Json) -> Json:
    """Return the schema of an object, the same where it is one already."""
    told = {key: schema[key] for key in TOLD if key in schema}
    typed = schema.get("type")
    bare = schema.get("properties", ()) is None
    if not told and not bare and isinstance(typed, str):
        return schema
    plain = {key: value for key, value in schema.items() if key not in told}
    if bare:
        del plain["properties"]
    if typed is None or (isinstance(typed, list) and "object" in typed):
        plain = {"type": "object"} | plain | {"type": "object"}  # first, where it was not there
    return with_notes(plain | joined_objects(schema), told)


def joined_objects(schema: Json) -> Json:
    """Return the properties of the objects that a schema chooses among or is made of."""
    kinds: dict[str, dict[bytes, Any]] = {}
    required = dict.fromkeys(required_names(schema))
    for object_ in (schema, *(each for union in UNIONS for each in branches_of(schema, union))):
        properties = object_.get("properties")
        for name, kind in properties.items() if isinstance(properties, dict) else ():
            kinds.setdefault(name, {})[msgspec.json.encode(kind)] = kind
    for union in UNIONS:
        wanted = [required_names(branch) for branch in branches_of(schema, union)]
        if union == "allOf":
            required |= dict.fromkeys(name for names in wanted for name in names)
        elif wanted:
            always = set(wanted[0]).intersection(*wanted[1:])
            required |= dict.fromkeys(name for name in wanted[0] if name in always)
    names = [name for name in required if name in kinds]
    found: Json = {"properties": {name: any_of(each) for name, each in kinds.items()}}
    return (found if kinds else {}) | ({"required": names} if names else {})


def required_names(schema: Json) -> list[str]:
    """Return the properties that an object must have."""
    required = schema.get("required")
    names = required if isinstance(required, list) else ()
    return [name for name in names if isinstance(name, str)]


def any_of(kinds: dict[bytes, Any]) -> Any:
    """Return the schema of a property that may be of several kinds."""
    given = list(kinds.values())
    return given[0] if len(given) == 1 else {"anyOf": given}


def branches_of(schema: Json, union: str) -> Iterator[Json]:
    """Yield the schemas in a union; one that is defined elsewhere is looked up."""
    given = schema.get(union)
    for branch in given if isinstance(given, list) else ():
        found = defined(schema, branch["$ref"]) if is_reference(branch) else branch
        if isinstance(found, dict):
            yield found


def is_reference(schema: Any) -> bool:
    """Return True for a schema that names another."""
    return isinstance(schema, dict) and isinstance(schema.get("$ref"), str)


def defined(schema: Json, reference: str) -> Any:
    """Return what a reference names among the definitions of a schema."""
    for prefix in DEFINITIONS:
        if reference.startswith(prefix):
            definitions = schema.get(prefix.strip("#/"))
            name = reference.removeprefix(prefix)
            return definitions.get(name) if isinstance(definitions, dict) else None
    return None
