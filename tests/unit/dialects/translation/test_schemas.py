"""Schemas of answers and of tools, and strict tools, as each provider takes them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import Json
from airouter.failures import Failure
from unit.dialects.translation.crossing import sent

HELLO: Json = {"role": "user", "content": "hello"}
CITY: Json = {"type": "object", "properties": {"name": {"type": "string"}}}
MAP: Json = {"type": "object", "additionalProperties": {"type": "string"}}
NEWEST, OLDER = "claude-opus-4-7", "claude-sonnet-4-20250514"
BEDROCK_NEWEST = "global.anthropic.claude-opus-4-7"
BEDROCK_OLDER = "us.anthropic.claude-sonnet-4-20250514-v1:0"
MAPS: list[Json] = [
    MAP,
    {"type": "object"},
    {"type": "object", "properties": {"tags": MAP}},
    {"type": "object", "properties": {"list": {"type": "array", "items": {"type": "object"}}}},
    {"$ref": "#/$defs/M", "$defs": {"M": MAP}},
    {"type": "object", "patternProperties": {"^a": {"type": "string"}}},
    {"type": "object", "additionalProperties": True},
]


def answer_in(schema: Json | None, to: str, model: str | None = None, **more: Any) -> Json:
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    return sent("chat", to, model, messages=[HELLO], response_format=wanted, **more)


def calling(parameters: Json | None, to: str, model: str | None = None, **more: Any) -> Json:
    function = {"name": "f", "parameters": parameters, **more}
    tools = [{"type": "function", "function": function}]
    return sent("chat", to, model, messages=[HELLO], tools=tools)


def google_parameters(parameters: Json) -> Json:
    (tool,) = calling(parameters, "gemini")["tools"]
    found: Json = tool["functionDeclarations"][0]["parametersJsonSchema"]
    return found


def test_what_a_reference_leads_to_stands_in_its_place_where_something_is_beside_it() -> None:
    schema = {
        "type": "object",
        "properties": {"home": {"$ref": "#/$defs/City", "description": "d"}},
        "$defs": {"City": CITY},
    }
    assert google_parameters(schema)["properties"] == {"home": {**CITY, "description": "d"}}
    asked = answer_in(schema, "gemini")["generationConfig"]["responseJsonSchema"]
    assert asked["properties"] == {"home": {**CITY, "description": "d"}}


def test_a_reference_alone_stays() -> None:
    schema = {
        "type": "object",
        "properties": {"home": {"$ref": "#/$defs/City"}},
        "$defs": {"City": CITY},
    }
    assert google_parameters(schema) == schema


def test_a_reference_to_what_it_stands_in_loses_what_is_beside_it() -> None:
    node = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/Node", "description": "d"}},
    }
    schema = {**node, "$defs": {"Node": node}}
    inner = google_parameters(schema)["properties"]["next"]
    assert inner["description"] == "d"
    assert inner["properties"]["next"] == {"$ref": "#/$defs/Node"}


def test_references_that_lead_to_ever_more_of_them_have_an_end() -> None:
    def twice(name: str) -> Json:
        both = {side: {"$ref": f"#/$defs/{name}", "description": side} for side in ("l", "r")}
        return {"type": "object", "properties": both}

    large = {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(20_000)}}
    beside = {f"q{n}": {"$ref": "#/$defs/large", "description": "d"} for n in range(50)}
    schema = {"type": "object", "properties": beside, "$defs": {"large": large}}
    assert len(msgspec.json.encode(google_parameters(schema))) < 2_000_000
    definitions = {f"d{number}": twice(f"d{number + 1}") for number in range(40)}
    schema = {**twice("d0"), "$defs": {**definitions, "d40": CITY}}
    assert len(msgspec.json.encode(google_parameters(schema))) < 2_000_000


def test_parameters_without_a_type_are_those_of_an_object() -> None:
    schema = {"properties": {"a": {"type": "string"}}}
    typed = {"type": "object", **schema}
    assert google_parameters(schema) == typed
    assert calling(schema, "anthropic")["tools"][0]["input_schema"] == typed
    spec = calling(schema, "bedrock")["toolConfig"]["tools"][0]["toolSpec"]
    assert spec["inputSchema"] == {"json": typed}
    tool = {"type": "function", "name": "f", "parameters": schema}
    body = sent("responses", "openai", input="hello", tools=[tool])
    assert body["tools"][0]["function"]["parameters"] == typed


@pytest.mark.parametrize(
    ("keyword", "told"),
    [
        ({"format": "made-up"}, "{format: made-up}"),
        ({"not": {"const": "x"}}, '{not: {"const":"x"}}'),
        ({"prefixItems": [{"type": "string"}]}, '{prefixItems: [{"type":"string"}]}'),
    ],
)
def test_what_claude_cannot_be_held_to_it_is_told_in_words(keyword: Json, told: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", **keyword}}}
    held = answer_in(schema, "anthropic")["output_config"]["format"]["schema"]
    assert held["properties"]["a"] == {"type": "string", "description": told}


@pytest.mark.parametrize("name", ["email", "uuid", "date-time"])
def test_a_format_that_claude_knows_stays(name: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "format": name}}}
    held = answer_in(schema, "anthropic")["output_config"]["format"]["schema"]
    assert held["properties"]["a"] == {"type": "string", "format": name}


@pytest.mark.parametrize(
    ("keyword", "told"),
    [
        ({"format": "email"}, "{format: email}"),
        ({"not": {"const": "x"}}, '{not: {"const":"x"}}'),
        ({"patternProperties": {"^a": {}}}, '{patternProperties: {"^a":{}}}'),
    ],
)
def test_what_gemini_does_not_know_it_is_told_in_words(keyword: Json, told: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", **keyword}}}
    assert google_parameters(schema)["properties"]["a"] == {"type": "string", "description": told}


@pytest.mark.parametrize("to", ["anthropic", "gemini"])
def test_a_discriminator_says_nothing_more_than_the_choices_do(to: str) -> None:
    schema = {"anyOf": [CITY], "discriminator": {"propertyName": "kind"}}
    assert "discriminator" not in msgspec.json.encode(answer_in(schema, to)).decode()


@pytest.mark.parametrize("schema", [*MAPS, None])
@pytest.mark.parametrize("model", [None, NEWEST, OLDER])
def test_an_answer_with_names_of_its_own_choice_is_given_by_a_tool(
    model: str | None, schema: Json | None
) -> None:
    body = answer_in(schema, "anthropic", model)
    assert "output_config" not in body
    assert body["tools"][0]["input_schema"] == (schema or {"type": "object"})
    assert body["tool_choice"]["type"] == "tool"


def test_a_claude_that_must_call_a_tool_does_not_think_about_it() -> None:
    body = answer_in(MAP, "anthropic", NEWEST, reasoning_effort="low")
    assert "thinking" not in body


@pytest.mark.parametrize("schema", MAPS)
@pytest.mark.parametrize(
    ("to", "model"), [("bedrock", None), ("anthropic", "claude-mythos-5"), ("bedrock", "x.y-v1:0")]
)
def test_a_map_is_refused_by_its_field_where_nothing_could_hold_it(
    to: str, model: str | None, schema: Json
) -> None:
    with pytest.raises(Failure) as refused:
        answer_in(schema, to, model)
    assert (refused.value.status, refused.value.param) == (400, "response_format")


@pytest.mark.parametrize(
    ("to", "model", "strict"),
    [
        ("anthropic", None, True),
        ("anthropic", NEWEST, True),
        ("anthropic", OLDER, None),
        ("bedrock", None, True),
        ("bedrock", BEDROCK_NEWEST, None),
        ("bedrock", BEDROCK_OLDER, None),
        ("bedrock", "us.amazon.nova-pro-v1:0", None),
    ],
)
def test_a_tool_is_strict_where_the_model_and_its_cloud_take_that(
    to: str, model: str | None, *, strict: bool | None
) -> None:
    body = calling(CITY, to, model, strict=True)
    tool = (body if to == "anthropic" else body["toolConfig"])["tools"][0]
    tool = tool.get("toolSpec", tool)
    assert tool.get("strict") is strict
    schema = tool["input_schema"] if to == "anthropic" else tool["inputSchema"]["json"]
    assert schema == (CITY | {"additionalProperties": False} if strict else CITY)


@pytest.mark.parametrize("to", ["anthropic", "bedrock"])
def test_a_tool_that_takes_a_map_is_not_strict(to: str) -> None:
    said = msgspec.json.encode(calling(MAP, to, strict=True)).decode()
    assert '"strict"' not in said
    assert '"additionalProperties":{"type":"string"}' in said


TREE: Json = {
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/Node"}},
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
        }
    },
}
ITSELF: Json = {"type": "object", "properties": {"next": {"$ref": "#"}}}


@pytest.mark.parametrize("schema", [TREE, ITSELF])
def test_an_answer_that_contains_itself_is_given_by_a_tool(schema: Json) -> None:
    body = answer_in(schema, "anthropic", NEWEST)
    assert body["tools"][-1]["input_schema"] == schema
    assert "output_config" not in body


@pytest.mark.parametrize("schema", [TREE, ITSELF])
def test_bedrock_refuses_an_answer_that_contains_itself(schema: Json) -> None:
    with pytest.raises(Failure) as caught:
        answer_in(schema, "bedrock", BEDROCK_NEWEST)
    assert caught.value.param == "response_format"


def test_an_answer_in_which_a_definition_is_used_twice_is_held_to_its_schema() -> None:
    city = {"$ref": "#/$defs/City"}
    schema = {"type": "object", "properties": {"a": city, "b": city}, "$defs": {"City": CITY}}
    assert "output_config" in answer_in(schema, "anthropic", NEWEST)


def test_claude_is_told_in_words_what_depends_on_what() -> None:
    schema = {**CITY, "dependentRequired": {"name": ["age"]}, "unevaluatedProperties": False}
    told = answer_in(schema, "anthropic", NEWEST)["output_config"]["format"]["schema"]
    assert "dependentRequired" not in told
    assert "dependentRequired: " in told["description"]


@pytest.mark.parametrize("to", ["anthropic", "bedrock", "gemini"])
def test_a_tool_of_a_choice_of_objects_is_offered_as_one_object(to: str) -> None:
    said = msgspec.json.encode(calling({"oneOf": [CITY, TREE]}, to)).decode()
    assert '"root"' in said
    assert '"name":{"type":"string"}' in said
    assert '"oneOf":' not in said
