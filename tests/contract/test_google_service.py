"""The strict Gemini itself: the official SDK works with it, and each of its rules refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google import genai
from google.genai import types

from contract.services.google.service import KEY, GoogleService, google_service
from contract.services.stand_in import Body, Call, Turn
from support.http_client import http_client

CALL: Body = {"functionCall": {"name": "f", "args": {}}}
RESULT: Body = {"functionResponse": {"name": "f", "response": {"result": "x"}}}
ASK: Body = {"role": "user", "parts": [{"text": "Hi"}]}
REFERRED: Body = {
    "properties": {"a": {"$ref": "#/$defs/A", "description": "d"}},
    "$defs": {"A": {"type": "string"}},
}
THIRD, SECOND, PRO = "gemini-3-pro-preview", "gemini-2.5-flash", "gemini-2.5-pro"


@pytest.fixture
async def service() -> AsyncIterator[GoogleService]:
    async with google_service() as found:
        yield found


def model_says(*parts: Body) -> Body:
    return {"role": "model", "parts": list(parts)}


def user_gives(*parts: Body) -> Body:
    return {"role": "user", "parts": list(parts)}


def config(**fields: Any) -> Body:
    return {"contents": [ASK], "generationConfig": fields}


def function(**fields: Any) -> Body:
    return {"contents": [ASK], "tools": [{"functionDeclarations": [{"name": "f", **fields}]}]}


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")
async def test_the_official_sdk_works_with_it(service: GoogleService) -> None:
    options = types.HttpOptions(base_url=service.url, api_version="v1beta")
    client = genai.Client(api_key=KEY, http_options=options).aio
    try:
        answer = await client.models.generate_content(model=SECOND, contents="Hello")
        assert answer.text == "Hello"
        service.turns.append(Turn(thinking="Hm.", calls=(Call("f", {"a": 1}),)))
        chunks = [
            chunk
            async for chunk in await client.models.generate_content_stream(
                model=THIRD, contents="Hello"
            )
        ]
        calls = [call for chunk in chunks for call in chunk.function_calls or ()]
        assert [(call.name, call.args) for call in calls] == [("f", {"a": 1})]
        found = await client.models.embed_content(model="gemini-embedding-001", contents=["a", "b"])
        assert len(found.embeddings or ()) == 2
    finally:
        await client.aclose()


@pytest.mark.parametrize(
    ("model", "body", "says"),
    [
        (SECOND, {"contents": []}, "contents is not specified"),
        (SECOND, {"contents": [{"role": "bot", "parts": [{"text": "x"}]}]}, "valid role"),
        (SECOND, {"contents": [{"role": "user", "parts": []}]}, "parts field"),
        (SECOND, {"contents": [user_gives({"text": "x", **CALL})]}, "one initialized field"),
        (SECOND, {"contents": [ASK], "wish": 1}, "Unknown name"),
        (SECOND, {"contents": [ASK, model_says(CALL), user_gives({"text": "x"})]}, "equal to the"),
        (SECOND, {"contents": [ASK, model_says(CALL, CALL), user_gives(RESULT)]}, "equal to the"),
        (SECOND, {"contents": [model_says(CALL), user_gives(RESULT)]}, "immediately after"),
        (
            SECOND,
            {"contents": [ASK, model_says({"text": "x"}), user_gives(RESULT)]},
            "after a call",
        ),
        (
            SECOND,
            function() | {"tools": [{"functionDeclarations": [{"name": "1f"}]}]},
            "function name",
        ),
        (SECOND, function(parameters={"type": "OBJECT"}, parametersJsonSchema={}), "exclusive"),
        (SECOND, function(parametersJsonSchema=REFERRED), "no other fields beside it"),
        (SECOND, config(responseJsonSchema=REFERRED), "no other fields beside it"),
        (SECOND, config(responseJsonSchema={"items": {"not": {}}}), "Unknown keyword"),
        (SECOND, function(parametersJsonSchema={"patternProperties": {}}), "patternProperties"),
        (SECOND, config(temperature=2.5), "range [0.0, 2.0]"),
        (SECOND, config(stopSequences=list("abcdef")), "at most 5"),
        (SECOND, config(candidateCount=9), "range [1, 8]"),
        (SECOND, config(thinkingConfig={"thinkingLevel": "LOW"}), "level is not supported"),
        (SECOND, config(thinkingConfig={"thinkingBudget": 99_999}), "budget is invalid"),
        (PRO, config(thinkingConfig={"thinkingBudget": 0}), "only works in thinking mode"),
        (THIRD, config(thinkingConfig={"thinkingLevel": "MINIMAL"}), "MINIMAL is not supported"),
        (
            THIRD,
            config(thinkingConfig={"thinkingBudget": 1, "thinkingLevel": "LOW"}),
            "not supported together",
        ),
        ("gemini-2.0-flash", config(thinkingConfig={"thinkingBudget": 1}), "not supported by this"),
        (SECOND, function() | config(responseMimeType="application/json"), "unsupported"),
        (
            SECOND,
            {"contents": [user_gives({"fileData": {"fileUri": "https://a.example/x"}})]},
            "Unsupported file URI",
        ),
        (THIRD, {"contents": [ASK, model_says(CALL), user_gives(RESULT)]}, "missing a thought_sig"),
        (
            THIRD,
            {
                "contents": [
                    ASK,
                    model_says(CALL | {"thoughtSignature": "AAAA"}),
                    user_gives(RESULT),
                ]
            },
            "Corrupted thought signature",
        ),
        (
            SECOND,
            {
                "contents": [
                    ASK,
                    model_says(CALL),
                    user_gives(
                        {
                            "functionResponse": {
                                "name": "f",
                                "response": {},
                                "parts": [
                                    {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
                                ],
                            }
                        }
                    ),
                ]
            },
            "Multimodal function responses",
        ),
    ],
)
async def test_each_rule_refuses(service: GoogleService, model: str, body: Body, says: str) -> None:
    async with http_client(trust_env=False) as client:
        url = f"{service.url}/v1beta/models/{model}:generateContent"
        answer = await client.post(url, json=body, headers={"x-goog-api-key": KEY})
    assert answer.status_code == 400
    assert says in service.note_refusal()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v1beta/models/nobody:generateContent", {"x-goog-api-key": KEY}, 404),
        (f"/v1beta/models/{SECOND}:generateContent", {"x-goog-api-key": "wrong"}, 400),
        (
            f"/v1/projects/p1/locations/global/publishers/google/models/{SECOND}:generateContent",
            {"authorization": "Bearer wrong"},
            401,
        ),
        (f"/v1/projects/p2/locations/global/publishers/google/models/{SECOND}:x", {}, 404),
    ],
)
async def test_strangers_are_refused(
    service: GoogleService, path: str, headers: dict[str, str], status: int
) -> None:
    async with http_client(trust_env=False) as client:
        answer = await client.post(service.url + path, json={"contents": [ASK]}, headers=headers)
    assert answer.status_code == status
    service.note_refusal()
