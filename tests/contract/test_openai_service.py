"""The stand-in is fair: the official SDK works with it, and every one of its rules fires."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel

from contract.services.openai.answers import Turn
from contract.services.openai.refusals import Refusal
from contract.services.openai.rules import RULES
from contract.services.openai.service import KEY, OpenAIService, openai_service
from support.http_client import http_client

MODEL = "gpt-4o-2024-11-20"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello!"}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
CALLING = {"role": "assistant", "tool_calls": [CALL]}
ANSWER = {"role": "tool", "tool_call_id": "call_1", "content": "seen"}
LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


class Recipe(BaseModel):
    title: str
    steps: list[str]


async def post(
    service: OpenAIService, path: str, body: dict[str, Any], key: str = KEY
) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with http_client(trust_env=False) as client:
        return await client.post(f"{service.url}{path}", json=body, headers=headers)


async def test_the_sdk_chats_with_it(direct: openai.AsyncOpenAI) -> None:
    whole = await direct.chat.completions.create(model=MODEL, messages=HELLO)
    async with direct.chat.completions.stream(model=MODEL, messages=HELLO) as stream:
        streamed = await stream.get_final_completion()
    assert whole.choices[0].message.content == Turn().text == streamed.choices[0].message.content


async def test_the_sdk_reads_its_tool_calls(
    direct: openai.AsyncOpenAI, service: OpenAIService
) -> None:
    calls = (("look", '{"at": "the moon"}'), ("wait", "{}"))
    service.turns.append(Turn(calls=calls))
    async with direct.chat.completions.stream(model=MODEL, messages=HELLO) as stream:
        final = await stream.get_final_completion()
    found = final.choices[0].message.tool_calls or []
    assert tuple((call.function.name, call.function.arguments) for call in found) == calls


async def test_the_sdk_parses_its_structured_output(
    direct: openai.AsyncOpenAI, service: OpenAIService
) -> None:
    service.turns.append(Turn('{"title": "Tea", "steps": ["boil"]}'))
    answer = await direct.chat.completions.parse(
        model=MODEL, messages=HELLO, response_format=Recipe
    )
    assert answer.choices[0].message.parsed == Recipe(title="Tea", steps=["boil"])


async def test_the_sdk_reads_its_other_answers(direct: openai.AsyncOpenAI) -> None:
    found = await direct.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    said = await direct.completions.create(model="gpt-3.5-turbo-instruct", prompt="Once")
    assert [len(each.embedding) for each in found.data] == [1_536, 1_536]
    assert said.choices[0].text == Turn().text
    assert (await direct.models.retrieve(MODEL)).id in [
        each.id async for each in direct.models.list()
    ]


Case = tuple[str, dict[str, Any], str | None, str | None]

MISSHAPEN: list[Case] = [
    ("unknown field", {"top_k": 5}, None, None),
    ("no messages", {"messages": None}, "messages", "invalid_value"),
    (
        "role",
        {"messages": [{"role": "robot", "content": "x"}]},
        "messages[0].role",
        "invalid_value",
    ),
    (
        "part",
        {"messages": [{"role": "user", "content": [{"type": "smell"}]}]},
        "messages[0].content[0].type",
        "invalid_value",
    ),
    ("text for a number", {"temperature": "1"}, "temperature", "invalid_value"),
]
"""What is changed in a good chat, and which `param` and `code` the refusal has."""
REFUSED: list[Case] = [
    ("hot", {"temperature": 3}, "temperature", "decimal_above_max_value"),
    ("cold", {"top_p": -0.5}, "top_p", "decimal_below_min_value"),
    ("none", {"n": 0}, "n", "integer_below_min_value"),
    ("options", {"stream_options": {"include_usage": True}}, "stream_options", None),
    (
        "limits",
        {"max_tokens": 1, "max_completion_tokens": 1},
        None,
        "invalid_parameter_combination",
    ),
    ("stops", {"stop": list("abcde")}, "stop", "array_above_max_length"),
    ("empty", {"messages": []}, "messages", "empty_array"),
    ("silence", {"messages": [{"role": "assistant"}]}, "messages.[0].content", None),
    (
        "no calls",
        {"messages": [{"role": "assistant", "content": "Hi", "tool_calls": []}]},
        "messages.0.tool_calls",
        None,
    ),
    ("unanswered at the end", {"messages": [*HELLO, CALLING]}, "messages.[2].role", None),
    ("unanswered before", {"messages": [CALLING, *HELLO]}, "messages.[1].role", None),
    ("uncalled", {"messages": [*HELLO, ANSWER]}, "messages.[1].role", None),
    ("answered twice", {"messages": [CALLING, ANSWER, ANSWER]}, "messages.[2].role", None),
    ("no tools", {"tools": []}, "tools", "empty_array"),
    (
        "name",
        {"tools": [{"type": "function", "function": {"name": "a b"}}]},
        "tools[0].function.name",
        "invalid_value",
    ),
    ("choice without tools", {"tool_choice": "auto"}, "tool_choice", None),
    (
        "choice of another",
        {"tools": [LOOK], "tool_choice": {"type": "function", "function": {"name": "see"}}},
        "tool_choice",
        None,
    ),
    ("unspoken", {"response_format": {"type": "json_object"}}, "messages", None),
    (
        "open schema",
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x", "strict": True, "schema": {"type": "object"}},
            }
        },
        "response_format",
        None,
    ),
    (
        "optional property",
        {
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "look",
                        "strict": True,
                        "parameters": {
                            "type": "object",
                            "properties": {"at": {"type": "string"}},
                            "additionalProperties": False,
                        },
                    },
                }
            ]
        },
        "tools[0].function.parameters",
        "invalid_function_parameters",
    ),
]


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [pytest.param(*case, id=name) for name, *case in MISSHAPEN + REFUSED],
)
async def test_a_chat_that_openai_refuses_is_refused(
    service: OpenAIService, fields: dict[str, Any], param: str | None, code: str | None
) -> None:
    body = {"model": MODEL, "messages": HELLO, **fields}
    response = await post(service, "/v1/chat/completions", body)
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, param, code)
    assert error["message"] == service.note_refusal().message


@pytest.mark.parametrize(
    "fields",
    [
        {"input": ""},
        {"input": []},
        {"input": ["a", ""]},
        {"input": "a", "encoding_format": "hex"},
        {"input": "a", "dimensions": 0},
        {"input": "a", "dimensions": 8, "model": "text-embedding-ada-002"},
    ],
)
async def test_embeddings_that_openai_refuses_are_refused(
    service: OpenAIService, fields: dict[str, Any]
) -> None:
    body = {"model": "text-embedding-3-small", **fields}
    response = await post(service, "/v1/embeddings", body)
    assert response.status_code == service.note_refusal().status == 400


@pytest.mark.parametrize("rule", RULES["chat"])
def test_each_rule_of_a_chat_refuses_something(rule: Callable[[dict[str, Any]], None]) -> None:
    def refuses(fields: dict[str, Any]) -> bool:
        try:
            rule({"model": MODEL, "messages": HELLO, **fields})
        except Refusal:
            return True
        return False

    assert any(refuses(fields) for _, fields, *_ in REFUSED)


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/chat/completions", {"model": "gpt-3"}, 404, "model_not_found"),
        ("/v1/chat/completions", {"model": "gpt-3.5-turbo-instruct"}, 404, None),
        ("/v1/chat/completions", {"messages": HELLO}, 400, None),
        ("/v1/chat/completions", {"model": MODEL}, 400, "missing_required_parameter"),
        ("/v1/chats", {"model": MODEL}, 404, None),
    ],
)
async def test_it_knows_its_models_and_its_paths(
    service: OpenAIService, path: str, body: dict[str, Any], status: int, code: str | None
) -> None:
    response = await post(service, path, body)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert service.note_refusal().status == status


@pytest.mark.parametrize(("key", "code"), [("", None), ("sk-someone-elses", "invalid_api_key")])
async def test_it_knows_its_key(service: OpenAIService, key: str, code: str | None) -> None:
    response = await post(service, "/v1/chat/completions", {}, key)
    assert (response.status_code, response.json()["error"]["code"]) == (401, code)
    assert service.note_refusal().code == code


async def test_a_refusal_that_nobody_expected_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="Incorrect API key"):
        async with openai_service() as service:
            await post(service, "/v1/chat/completions", {}, "sk-someone-elses")
