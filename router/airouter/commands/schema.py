"""`airouter schema`: the JSON Schema by which editors complete and check a manifest."""

import json
from typing import Any

import typer
from pydantic.json_schema import models_json_schema

from airouter.config.resource import RouterConfig, RouterKey, Secret

EXAMPLES = """\
  airouter schema > .router.schema.json
"""
DIALECT = "http://json-schema.org/draft-07/schema#"
"""The one that YAML's language server reads."""
KINDS = (RouterConfig, RouterKey, Secret)
SAID_IN_WORDS = frozenset({"default", "title"})
"""Keywords left out: defaults are in the descriptions, in the notation of a manifest."""


def schema_command() -> None:
    """Print the JSON Schema for editors.

    It is that of a document of any kind that a manifest may have: RouterConfig, RouterKey, Secret.
    A modeline names it: # yaml-language-server: $schema=.router.schema.json
    """
    typer.echo(manifest_schema())


def manifest_schema() -> str:
    """Return the JSON Schema of a document of a manifest, as text."""
    _, schema = models_json_schema([(kind, "validation") for kind in KINDS], by_alias=True)
    definitions = {name: without_words(each) for name, each in schema["$defs"].items()}
    by_kind = [
        {
            "if": {"properties": {"kind": {"const": kind.__name__}}, "required": ["kind"]},
            "then": {"$ref": f"#/definitions/{kind.__name__}"},
        }
        for kind in KINDS
    ]
    names = {"enum": [kind.__name__ for kind in KINDS], "description": "Kind of the object."}
    whole = {
        "$schema": DIALECT,
        "title": "A document of a manifest of airouter",
        "type": "object",
        "properties": {"kind": names},
        "required": ["kind"],
        "allOf": by_kind,
        "definitions": definitions,
    }
    return json.dumps(whole, indent=1).replace("#/$defs/", "#/definitions/")


def without_words(schema: Any) -> Any:
    """Return a schema without the keywords that are said in words."""
    if isinstance(schema, list):
        return [without_words(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        # The fields of an object may have any name.
        key: {name: without_words(field) for name, field in each.items()}
        if key == "properties"
        else without_words(each)
        for key, each in schema.items()
        if key not in SAID_IN_WORDS
    }
