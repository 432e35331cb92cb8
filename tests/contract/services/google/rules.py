"""Layer 2 of the strict Gemini: what it refuses although the shape is right, in its own words."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

from contract.services.google.refusals import invalid
from contract.services.stand_in import Body, merged

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
FOREIGN = base64.b64encode(b"skip_thought_signature_validator").decode()
DATA = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
)
NOT_IN_JSON_SCHEMA = frozenset(
    {
        "contains",
        "discriminator",
        "else",
        "if",
        "not",
        "patternProperties",
        "propertyNames",
        "then",
    }
)
"""What Google does not know of JSON Schema (`responseJsonSchema` in its reference)."""
NAMED = ("properties", "$defs", "definitions")
NOT_IN_A_SCHEMA = ("$ref", "oneOf", "allOf", "const", "additionalProperties", "$schema")


def parts_of(body: Body) -> Iterator[Body]:
    for content in body["contents"]:
        yield from content["parts"]


def there_are_contents(body: Body) -> None:
    if not body["contents"]:
        raise invalid("* GenerateContentRequest.contents: contents is not specified")
    for content in body["contents"]:
        if content.get("role") not in {"user", "model"}:
            raise invalid("Please use a valid role: user, model.")
        if not content["parts"]:
            raise invalid("Unable to submit request because it must have a parts field")


def parts_have_one_data(body: Body) -> None:
    for part in parts_of(body):
        if sum(name in part for name in DATA) != 1:
            raise invalid(
                "contents.parts: required oneof field 'data' must have one initialized field"
            )


def responses_fit_calls(body: Body) -> None:
    turns = merged(body["contents"], "parts")
    for number, turn in enumerate(turns):
        calls = [part["functionCall"]["name"] for part in turn["parts"] if "functionCall" in part]
        following = turns[number + 1]["parts"] if number + 1 < len(turns) else []
        found = [
            part["functionResponse"]["name"] for part in following if "functionResponse" in part
        ]
        if calls and sorted(calls) != sorted(found):
            raise invalid(
                "Please ensure that the number of function response parts is equal to the number "
                "of function call parts of the function call turn."
            )
        if calls and number == 0:
            raise invalid(
                "Please ensure that function call turn comes immediately after a user turn or "
                "after a function response turn."
            )
        before = turns[number - 1]["parts"] if number else []
        answered = any("functionResponse" in part for part in turn["parts"])
        if answered and not any("functionCall" in part for part in before):
            raise invalid("Please ensure that function response turn comes after a call turn.")


def names_fit(body: Body) -> None:
    for tool in body.get("tools") or ():
        for function in tool.get("functionDeclarations") or ():
            if not NAME.fullmatch(function["name"]):
                raise invalid("Invalid function name. Must start with a letter or an underscore.")
            if "parameters" in function and "parametersJsonSchema" in function:
                raise invalid("parameters and parametersJsonSchema are mutually exclusive")
            check_schema(function.get("parameters"))
            check_json_schema(function.get("parametersJsonSchema"))


def check_schema(schema: Any) -> None:
    if isinstance(schema, list):
        for each in schema:
            check_schema(each)
    if isinstance(schema, dict):
        for word in NOT_IN_A_SCHEMA:
            if word in schema:
                raise invalid(f'Invalid JSON payload received. Unknown name "{word}"')
        for each in schema.values():
            check_schema(each)


def check_json_schema(schema: Any) -> None:
    """A reference stands alone, and only known words are used."""
    if isinstance(schema, list):
        for each in schema:
            check_json_schema(each)
    if not isinstance(schema, dict):
        return
    unknown = next((word for word in schema if word in NOT_IN_JSON_SCHEMA), None)
    if unknown is not None:
        raise invalid(f'Invalid JSON schema. Unknown keyword "{unknown}"')
    if "$ref" in schema and any(not word.startswith("$") for word in schema):
        raise invalid("Invalid JSON schema. A $ref must have no other fields beside it")
    for word, each in schema.items():
        for inner in each.values() if word in NAMED else [each]:
            check_json_schema(inner)


def config_of(body: Body) -> Body:
    config: Body = body.get("generationConfig") or {}
    return config


def numbers_are_in_range(body: Body) -> None:
    config = config_of(body)
    if not 0 <= config.get("temperature", 0) <= 2:
        raise invalid("temperature must be in the range [0.0, 2.0]")
    if len(config.get("stopSequences") or ()) > 5:
        raise invalid("The number of stop_sequences must be at most 5")
    if not 1 <= config.get("candidateCount", 1) <= 8:
        raise invalid("candidateCount must be in the range [1, 8]")
    check_schema(config.get("responseSchema"))
    check_json_schema(config.get("responseJsonSchema"))
    if "responseSchema" in config and "responseJsonSchema" in config:
        raise invalid("responseSchema and responseJsonSchema are mutually exclusive")


def files_are_googles(body: Body) -> None:
    for part in parts_of(body):
        uri = (part.get("fileData") or {}).get("fileUri", "gs://")
        if not uri.startswith(("gs://", "https://generativelanguage.")):
            raise invalid(f"Unsupported file URI type: {uri}")


RULES = (
    there_are_contents,
    parts_have_one_data,
    responses_fit_calls,
    names_fit,
    numbers_are_in_range,
    files_are_googles,
)


def thinking_fits(body: Body, model: str) -> None:
    thinking = config_of(body).get("thinkingConfig")
    if thinking is None:
        return
    if model == "gemini-2.0-flash":
        raise invalid("Unable to submit request because thinking is not supported by this model.")
    third = model.startswith("gemini-3")
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        raise invalid("thinking_budget and thinking_level are not supported together.")
    if "thinkingLevel" in thinking and not third:
        raise invalid("Thinking level is not supported for this model.")
    if model == "gemini-2.5-pro" and thinking.get("thinkingBudget") == 0:
        raise invalid("Budget 0 is invalid. This model only works in thinking mode.")
    if "pro" in model and thinking.get("thinkingLevel") == "MINIMAL":
        raise invalid("Thinking level MINIMAL is not supported for this model.")
    if thinking.get("thinkingBudget", 0) > 24_576:
        raise invalid("The thinking budget is invalid. Please choose a value between 0 and 24576.")


def schema_fits_tools(body: Body, model: str) -> None:
    json = config_of(body).get("responseMimeType") == "application/json"
    if json and body.get("tools") and not model.startswith("gemini-3"):
        raise invalid(
            "Function calling with a response mime type: 'application/json' is unsupported"
        )


def results_have_no_media(body: Body, model: str) -> None:
    if model.startswith("gemini-3"):
        return
    if any("parts" in part.get("functionResponse", {}) for part in parts_of(body)):
        raise invalid("Multimodal function responses are not supported by this model.")


def calls_are_signed(body: Body, model: str, signatures: set[tuple[str, str]]) -> None:
    turns = merged(body["contents"], "parts")
    for part in parts_of(body):
        signature = part.get("thoughtSignature")
        if signature not in {None, FOREIGN} and (model, signature) not in signatures:
            raise invalid("Corrupted thought signature.")
    if not model.startswith("gemini-3"):
        return
    asked = [n for n, t in enumerate(turns) if t["role"] == "user" and is_asking(t)]
    for turn in turns[asked[-1] if asked else 0 :]:
        calls = [part for part in turn["parts"] if "functionCall" in part]
        if calls and "thoughtSignature" not in calls[0]:
            raise invalid(
                "Function call is missing a thought_signature in functionCall parts. This is "
                "required for tools to work correctly."
            )


def is_asking(turn: Body) -> bool:
    return any("functionResponse" not in part for part in turn["parts"])


def check_rules(body: Body, model: str, signatures: set[tuple[str, str]]) -> None:
    """All of them."""
    for rule in RULES:
        rule(body)
    thinking_fits(body, model)
    schema_fits_tools(body, model)
    results_have_no_media(body, model)
    calls_are_signed(body, model, signatures)
