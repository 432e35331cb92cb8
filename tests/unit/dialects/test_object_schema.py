"""Parameters of tools that choose among objects become those of one object."""

from __future__ import annotations

import time
from typing import Any

import pytest

from airouter.dialects.conversation import Json
from airouter.dialects.object_schema import object_schema

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


def an_object(*required: str, **properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(required)}


@pytest.mark.parametrize(
    "schema",
    [an_object("a", a=TEXT), {"type": "object"}, {"type": "object", "$ref": "#/$defs/A"}],
)
def test_an_object_stays_as_it_is(schema: Json) -> None:
    assert object_schema(schema) is schema


@pytest.mark.parametrize("union", ["anyOf", "oneOf"])
def test_a_choice_of_objects_is_one_that_may_be_any_of_them(union: str) -> None:
    schema = {
        "description": "Goes.",
        union: [an_object("a", "k", a=TEXT, k=TEXT), an_object("k", k=NUMBER)],
    }
    found = object_schema(schema)
    assert found["type"] == "object"
    assert found["properties"] == {"a": TEXT, "k": {"anyOf": [TEXT, NUMBER]}}
    assert found["required"] == ["k"]
    assert union not in found
    assert found["description"].startswith(f"Goes.\n\n{{{union}: ")


def test_an_object_that_is_made_of_others_has_all_that_they_have() -> None:
    schema = {**an_object("a", a=TEXT), "allOf": [an_object("b", b=NUMBER), {"minProperties": 1}]}
    found = object_schema(schema)
    assert found["properties"] == {"a": TEXT, "b": NUMBER}
    assert found["required"] == ["a", "b"]


def test_a_condition_on_what_is_required_leaves_the_properties_alone() -> None:
    schema = {**an_object(a=TEXT, b=TEXT), "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
    found = object_schema(schema)
    assert found["properties"] == {"a": TEXT, "b": TEXT}
    assert not found["required"]


@pytest.mark.parametrize("place", ["$defs", "definitions"])
def test_an_object_that_is_defined_elsewhere_is_looked_up(place: str) -> None:
    schema = {"oneOf": [{"$ref": f"#/{place}/A"}, {"$ref": "#/x"}], place: {"A": an_object(a=TEXT)}}
    found = object_schema(schema)
    assert (found["properties"], found[place]) == ({"a": TEXT}, {"A": an_object(a=TEXT)})


@pytest.mark.parametrize("given", [["object", "null"], ["null", "object"], None])
def test_what_may_be_an_object_is_one(given: Any) -> None:
    assert object_schema({"type": given, "properties": {"a": TEXT}})["type"] == "object"


def test_properties_of_null_are_none() -> None:
    assert object_schema({"type": "object", "properties": None}) == {"type": "object"}


@pytest.mark.parametrize(
    "odd", [{"anyOf": 7}, {"oneOf": [True, 7]}, {"allOf": [{"properties": 7}]}]
)
def test_what_is_no_schema_does_no_harm(odd: Json) -> None:
    assert object_schema(odd)["type"] == "object"


def test_many_objects_cost_no_more_than_their_size() -> None:
    branches = [an_object("k", k={"const": str(number)}) for number in range(20_000)]
    begun = time.process_time()
    found = object_schema({"oneOf": branches})
    assert time.process_time() - begun < 2
    assert len(found["properties"]["k"]["anyOf"]) == 20_000
