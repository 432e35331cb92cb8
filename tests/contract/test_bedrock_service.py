"""The strict Bedrock itself: boto3 works with it, and each of its rules refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import boto3  # type: ignore[import-untyped]  # it has no types
import httpx
import pytest

from contract.services.bedrock.service import (
    BEARER,
    CLAUDE,
    KEYS,
    MODELS,
    BedrockService,
    bedrock_service,
)
from contract.services.stand_in import Body, Call, Turn

ASK: Body = {"role": "user", "content": [{"text": "Hi"}]}
USE: Body = {"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}}
RESULT: Body = {"toolResult": {"toolUseId": "t1", "content": [{"text": "x"}]}}
TOOLS: Body = {
    "toolConfig": {
        "tools": [{"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": {}}}}]
    }
}
NOVA, LLAMA = "amazon.nova-pro-v1:0", "meta.llama3-3-70b-instruct-v1:0"
OPUS = "us.anthropic.claude-opus-4-7"


@pytest.fixture
async def service() -> AsyncIterator[BedrockService]:
    async with bedrock_service() as found:
        yield found


def client(service: BedrockService, key: str, secret: str) -> Any:
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=service.url,
        region_name=service.region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )


def said(*blocks: Body) -> Body:
    return {"role": "assistant", "content": list(blocks)}


def given(*blocks: Body) -> Body:
    return {"role": "user", "content": list(blocks)}


def thinking(kind: Body, **fields: Any) -> Body:
    extra = {"additionalModelRequestFields": {"thinking": kind}}
    return {"messages": [ASK], **extra, **fields}


async def test_boto3_works_with_it(service: BedrockService) -> None:
    """For a model whose id has to be encoded, too: the signature is checked by botocore."""
    key, (secret, _) = next(iter(KEYS.items()))

    def converse() -> tuple[str, list[str]]:
        sdk = client(service, key, secret)
        answer = sdk.converse(modelId=CLAUDE, messages=[ASK])
        streamed = sdk.converse_stream(modelId=MODELS[-1], messages=[ASK])
        return (
            answer["output"]["message"]["content"][0]["text"],
            [next(iter(event)) for event in streamed["stream"]],
        )

    service.turns.append(Turn(text="Hello"))
    service.turns.append(Turn(thinking="Hm.", calls=(Call("f", {"a": 1}),)))
    text, events = await asyncio.to_thread(converse)
    assert text == "Hello"
    assert events[0] == "messageStart"
    assert events[-2:] == ["messageStop", "metadata"]


async def test_a_wrong_secret_is_noticed(service: BedrockService) -> None:
    def converse() -> None:
        sdk = client(service, "AKIASERVICE", "wrong")
        with pytest.raises(sdk.exceptions.ClientError, match="InvalidSignatureException"):
            sdk.converse(modelId=CLAUDE, messages=[ASK])

    await asyncio.to_thread(converse)
    service.note_refusal()


@pytest.mark.parametrize(
    ("model", "body", "says"),
    [
        (NOVA, {"messages": [said({"text": "Hi"})]}, "start with a user message"),
        (NOVA, {"messages": []}, "at least one message"),
        (NOVA, {"messages": [ASK, ASK]}, "must alternate"),
        (NOVA, {"messages": [given({"text": " "})]}, "is blank"),
        (NOVA, {"messages": [ASK], "system": [{"text": " "}]}, "is blank"),
        (NOVA, {"messages": [ASK], "wish": 1}, "unknown"),
        (NOVA, {"messages": [given({"text": "x", "image": {}})]}, "union"),
        (
            NOVA,
            {"messages": [ASK, said(USE), given({"text": "x"})], **TOOLS},
            "Expected toolResult",
        ),
        (NOVA, {"messages": [given(RESULT)], **TOOLS}, "toolResult"),
        (NOVA, {"messages": [ASK, said(USE), given(RESULT)]}, "toolConfig field must be defined"),
        (
            NOVA,
            {
                "messages": [
                    ASK,
                    said(USE),
                    given({"toolResult": {**RESULT["toolResult"], "content": [{"text": ""}]}}),
                ],
                **TOOLS,
            },
            "is blank",
        ),
        (
            NOVA,
            {
                "messages": [
                    ASK,
                    said(USE),
                    given({"toolResult": {"toolUseId": "t1", "content": [], "status": "error"}}),
                ],
                **TOOLS,
            },
            "must have content",
        ),
        (
            LLAMA,
            {"messages": [ASK, said(USE), given(RESULT, {"text": "x"})], **TOOLS},
            "Only toolResult",
        ),
        (
            NOVA,
            {
                "messages": [
                    given({"document": {"name": "a", "format": "txt", "source": {"text": "x"}}})
                ]
            },
            "text block is required",
        ),
        (
            NOVA,
            {"messages": [given({"cachePoint": {"type": "default"}}, {"text": "x"})]},
            "cachePoint cannot be inserted",
        ),
        (
            NOVA,
            {"messages": [given({"image": {"format": "png", "source": {"bytes": "not base64!"}}})]},
            "not base64",
        ),
        (NOVA, {"messages": [ASK], "inferenceConfig": {"temperature": 1.5}}, "more than 1"),
        (OPUS, {"messages": [ASK], "inferenceConfig": {"temperature": 0.5}}, "deprecated"),
        (NOVA, thinking({"type": "enabled", "budget_tokens": 2000}), "extraneous key"),
        (OPUS, thinking({"type": "enabled", "budget_tokens": 2000}), "enabled is not supported"),
        (CLAUDE, thinking({"type": "adaptive"}), "adaptive thinking is not supported"),
        (CLAUDE, thinking({"type": "enabled", "budget_tokens": 100}), "budget_tokens"),
        (
            CLAUDE,
            thinking(
                {"type": "enabled", "budget_tokens": 2000},
                toolConfig={**TOOLS["toolConfig"], "toolChoice": {"any": {}}},
            ),
            "forces tool use",
        ),
        (
            CLAUDE,
            {
                "messages": [
                    ASK,
                    said(
                        {"reasoningContent": {"reasoningText": {"text": "x", "signature": "y"}}},
                        {"text": "z"},
                    ),
                    ASK,
                ]
            },
            "Invalid `signature`",
        ),
        (CLAUDE.removeprefix("us."), {"messages": [ASK]}, "on-demand throughput"),
        ("nobody", {"messages": [ASK]}, "identifier is invalid"),
    ],
)
async def test_each_rule_refuses(
    service: BedrockService, model: str, body: Body, says: str
) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        url = f"{service.url}/model/{quote(model, safe='')}/converse"
        head = {"authorization": f"Bearer {BEARER}", "content-type": "application/json"}
        answer = await http.post(url, content=json.dumps(body), headers=head)
    assert answer.status_code == 400
    assert answer.headers["x-amzn-errortype"].startswith("ValidationException")
    assert says in service.note_refusal()
