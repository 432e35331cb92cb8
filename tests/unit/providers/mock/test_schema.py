"""Values for the schemas that people's models and tools have."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, Field

from airouter.providers.mock.scalars import NoInstance
from airouter.providers.mock.schema import MAX_VALUES, instance


class Node(BaseModel):
    value: int
    next: Node | None


class Visit(BaseModel):
    begun: dt.datetime
    day: dt.date
    at: dt.time
    took: dt.timedelta
    visitor: uuid.UUID


class Bounds(BaseModel):
    share: Annotated[float, Field(gt=0, lt=1)]
    debt: Annotated[int, Field(le=-3)]
    weeks: Annotated[int, Field(multiple_of=7, gt=7)]
    tenths: Annotated[float, Field(multiple_of=0.1, ge=0.25)]
    price: Decimal
    short: Annotated[str, Field(max_length=2)]
    long: Annotated[str, Field(min_length=20)]


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Zoo(BaseModel):
    first: Annotated[Cat | Dog, Field(discriminator="kind")]
    others: Annotated[list[Cat | Dog], Field(min_length=2)]
    pair: tuple[int, str]
    names: dict[str, str]


def schema_in_full(model: type[BaseModel]) -> dict[str, Any]:
    """As pydantic writes it, with all that strict structured output leaves out."""
    return model.model_json_schema()


@pytest.mark.parametrize("model", [Node, Visit, Bounds, Zoo])
@pytest.mark.parametrize("schema_of", [to_strict_json_schema, schema_in_full])
def test_the_models_of_structured_output_accept_what_is_made_for_them(
    model: type[BaseModel], schema_of: Any
) -> None:
    model.model_validate(instance(schema_of(model)))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": 7}, 7),
        ({"enum": ["a", "b"]}, "a"),
        ({"default": 5, "type": "integer"}, 5),
        ({"type": ["string", "null"]}, "xxxx"),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"type": "number", "minimum": 5}, 5),
        ({"type": "integer", "exclusiveMinimum": 1.5}, 2),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"oneOf": [False, {"type": "boolean"}]}, True),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "string", "minLength": 6}}}, "xxxxxx"),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": 1}}}, 1),
        ({"$ref": "https://elsewhere"}, None),
        ({"type": "object", "required": ["x"]}, {"x": "xxxx"}),
        ({"allOf": [{"required": ["x"]}, {"properties": {"x": {"const": 1}}}]}, {"x": 1}),
        ({"allOf": [{"$ref": "#/$defs/A"}], "$defs": {"A": {"type": "boolean"}}}, True),
        (7, None),
    ],
)
def test_a_value_is_found_for_a_schema(schema: Any, value: Any) -> None:
    assert instance(schema) == value


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"$ref": "#"},
        {"required": ["again"], "properties": {"again": {"$ref": "#"}}},
        {"anyOf": [{"$ref": "#"}, False]},
        {"type": "array", "minItems": MAX_VALUES},
        {"type": "string", "minLength": 1_000_000},
        {"type": "string", "minLength": 3, "maxLength": 2},
        {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
    ],
)
def test_a_schema_without_a_small_value_is_refused(schema: Any) -> None:
    with pytest.raises(NoInstance):
        instance(schema)
