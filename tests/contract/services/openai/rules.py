"""Layer 2 of the strict OpenAI: what the service refuses although its shape is right.

One function a rule; each raises `Refusal`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from contract.services.openai.refusals import Refusal

Body = dict[str, Any]

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
DECIMALS = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}
INTEGERS = {
    "n": (1, 128),
    "top_logprobs": (0, 20),
    "max_tokens": (1, 16_384),
    "max_completion_tokens": (1, 16_384),
    "dimensions": (1, 1_536),
}
MAX_TOOLS = 128
MAX_STOPS = 4
MAX_INPUTS = 2_048


def numbers_are_in_range(body: Body) -> None:
    for kind, ranges in (("decimal", DECIMALS), ("integer", INTEGERS)):
        for name, (least, most) in ranges.items():
            value = body.get(name)
            if value is not None and value < least:
                raise out_of_range(name, value, f"{kind} below min", f">= {least}")
            if value is not None and value > most:
                raise out_of_range(name, value, f"{kind} above max", f"<= {most}")


def out_of_range(name: str, value: float, what: str, bound: str) -> Refusal:
    return Refusal(
        400,
        f"Invalid '{name}': {what}imum value. Expected a value {bound}, but got {value} instead.",
        param=name,
        code=f"{what.replace(' ', '_')}_value",
    )


def options_go_with_a_stream(body: Body) -> None:
    if body.get("stream_options") is not None and not body.get("stream"):
        raise Refusal(
            400,
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )


def one_limit_is_given(body: Body) -> None:
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise Refusal(
            400,
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            code="invalid_parameter_combination",
        )


def stops_are_few(body: Body) -> None:
    if isinstance(body.get("stop"), list):
        bounded_array("stop", body["stop"], 0, MAX_STOPS)


def there_are_messages(body: Body) -> None:
    bounded_array("messages", body["messages"], 1, 2_048)


def calls_are_answered(body: Body) -> None:
    """Every call in the messages that follow it, and no answer without a call."""
    calls: set[str] = set()
    for number, message in enumerate(body["messages"]):
        if message["role"] == "tool":
            if message["tool_call_id"] not in calls:
                raise uncalled(number)
            calls.remove(message["tool_call_id"])
        elif calls:
            raise unanswered(calls, number)
        else:
            calls = {call["id"] for call in message.get("tool_calls") or ()}
    if calls:
        raise unanswered(calls, len(body["messages"]))


def uncalled(number: int) -> Refusal:
    return Refusal(
        400,
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message"
        " with 'tool_calls'.",
        param=f"messages.[{number}].role",
    )


def unanswered(calls: set[str], number: int) -> Refusal:
    return Refusal(
        400,
        "An assistant message with 'tool_calls' must be followed by tool messages responding to"
        " each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        + ", ".join(sorted(calls)),
        param=f"messages.[{number}].role",
    )


def an_assistant_says_something(body: Body) -> None:
    for number, message in enumerate(body["messages"]):
        said = message.get("content"), message.get("tool_calls"), message.get("refusal")
        if message["role"] == "assistant" and said == (None, None, None):
            raise Refusal(
                400,
                "Invalid value for 'content': expected a string, got null.",
                param=f"messages.[{number}].content",
            )


def calls_are_some(body: Body) -> None:
    for number, message in enumerate(body["messages"]):
        if message.get("tool_calls") == []:
            raise Refusal(
                400,
                f"[] is too short - 'messages.{number}.tool_calls'",
                param=f"messages.{number}.tool_calls",
            )


def tools_are_well_named(body: Body) -> None:
    tools = body.get("tools")
    if tools is None:
        return
    bounded_array("tools", tools, 1, MAX_TOOLS)
    for number, tool in enumerate(tools):
        if not NAME.fullmatch(tool[tool["type"]]["name"]):
            param = f"tools[{number}].{tool['type']}.name"
            raise Refusal(
                400,
                f"Invalid '{param}': string does not match pattern. Expected a string that matches"
                " the pattern '^[a-zA-Z0-9_-]+$'.",
                param=param,
                code="invalid_value",
            )


def a_choice_is_among_the_tools(body: Body) -> None:
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not body.get("tools"):
        raise Refusal(
            400,
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are"
            " specified.",
            param="tool_choice",
        )
    names = {tool[tool["type"]]["name"] for tool in body["tools"]}
    if isinstance(choice, dict) and choice["type"] == "function":
        name = choice["function"]["name"]
        if name not in names:
            raise Refusal(
                400, f"Tool choice '{name}' not found in 'tools' parameter.", param="tool_choice"
            )


def json_is_spoken_of(body: Body) -> None:
    """Free JSON has to be mentioned, or the model would write blanks for ever."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_object" and "json" not in json.dumps(body["messages"]).lower():
        raise Refusal(
            400,
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type"
            " 'json_object'.",
            param="messages",
        )


def strict_schemas_are_closed(body: Body) -> None:
    for param, named in strict_schemas(body):
        schema = named.get("schema") or named.get("parameters") or {}
        for part in objects_in(schema):
            what = None
            if part.get("additionalProperties") is not False:
                what = "'additionalProperties' is required to be supplied and to be false"
            elif set(part.get("required", ())) != set(part.get("properties", ())):
                what = (
                    "'required' is required to be supplied and to be an array including every key"
                    " in properties"
                )
            if what is not None:
                raise Refusal(
                    400,
                    f"Invalid schema for '{named['name']}': In context=(), {what}.",
                    param=param,
                    code="invalid_function_parameters" if "tools" in param else None,
                )


def strict_schemas(body: Body) -> Iterator[tuple[str, Body]]:
    """Where a schema stands that is to be kept to the letter, and what holds it."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema" and wanted["json_schema"].get("strict"):
        yield "response_format", wanted["json_schema"]
    for number, tool in enumerate(body.get("tools") or ()):
        if tool["type"] == "function" and tool["function"].get("strict"):
            yield f"tools[{number}].function.parameters", tool["function"]


def objects_in(schema: Any) -> Iterator[Body]:
    """Every part of a schema that describes an object."""
    if isinstance(schema, list):
        for part in schema:
            yield from objects_in(part)
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        yield from objects_in(list(schema.values()))


def there_is_something_to_embed(body: Body) -> None:
    given = body["input"]
    if isinstance(given, list):
        bounded_array("input", given, 1, MAX_INPUTS)
    if given == "" or (isinstance(given, list) and ("" in given or [] in given)):
        raise Refusal(
            400,
            "'$.input' is invalid. Please check the API reference:"
            " https://platform.openai.com/docs/api-reference.",
        )


def dimensions_are_for_newer_models(body: Body) -> None:
    if body.get("dimensions") is not None and body["model"] == "text-embedding-ada-002":
        raise Refusal(400, "This model does not support specifying dimensions.")


def bounded_array(name: str, array: list[Any], least: int, most: int) -> None:
    """Raises `Refusal` for an array that is too short or too long."""
    if not array and least:
        raise Refusal(
            400,
            f"Invalid '{name}': empty array. Expected an array with minimum length {least}, but got"
            " an empty array instead.",
            param=name,
            code="empty_array",
        )
    if len(array) > most:
        raise Refusal(
            400,
            f"Invalid '{name}': array too long. Expected an array with maximum length {most}, but"
            f" got an array with length {len(array)} instead.",
            param=name,
            code="array_above_max_length",
        )


GENERATING = [numbers_are_in_range, options_go_with_a_stream, stops_are_few]
RULES = {
    "chat": [
        *GENERATING,
        one_limit_is_given,
        there_are_messages,
        an_assistant_says_something,
        calls_are_some,
        calls_are_answered,
        tools_are_well_named,
        a_choice_is_among_the_tools,
        json_is_spoken_of,
        strict_schemas_are_closed,
    ],
    "completions": GENERATING,
    "embeddings": [
        numbers_are_in_range,
        there_is_something_to_embed,
        dimensions_are_for_newer_models,
    ],
}


def check_rules(api: str, body: Body) -> None:
    """Raises `Refusal` for the first rule that a body breaks."""
    for rule in RULES[api]:
        rule(body)
