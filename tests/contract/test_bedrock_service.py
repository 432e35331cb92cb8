"""The strict Bedrock is fair: boto3 talks with it, and sees it fail as the real one does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest
from botocore.exceptions import ClientError

from contract.services.bedrock.answers import EMPTY_TEXT_FIRST, Said
from contract.services.bedrock.asking import client, post
from contract.services.bedrock.framing import damaged, frame
from contract.services.bedrock.refusals import STATUSES, failing
from contract.services.bedrock.samples import ASK, BUDGET, COHERE, GPT, NOVA, TITAN, TOOLS, given
from contract.services.bedrock.service import (
    BEARER,
    CLAUDE,
    MODELS,
    PROFILE,
    BedrockService,
    bedrock_service,
)
from contract.services.stand_in import Body, Call, Cut, Turn
from support.http_client import http_client


@pytest.fixture
async def service() -> AsyncIterator[BedrockService]:
    async with bedrock_service() as found:
        yield found


@pytest.mark.parametrize("model", MODELS)
async def test_boto3_talks_with_every_model(service: BedrockService, model: str) -> None:
    """With those whose ids have to be encoded, too: the signature is that of the encoded path."""
    answer = await asyncio.to_thread(client(service).converse, modelId=model, messages=[ASK])
    assert answer["output"]["message"]["content"] == [{"text": "Hi"}]
    assert answer["stopReason"] == "end_turn"


@pytest.mark.parametrize("piece", [None, 1, 7])
async def test_boto3_reads_its_stream_however_it_is_split(
    service: BedrockService, piece: int | None
) -> None:
    service.piece = piece
    calls = (Call("f", {"a": 1}), Call("g", {}))
    service.turns.append(Turn(thinking="Hm.", calls=calls, cached_tokens=5, written_tokens=3))

    def converse() -> list[Body]:
        return list(client(service).converse_stream(modelId=PROFILE, messages=[ASK])["stream"])

    events = await asyncio.to_thread(converse)
    kinds = [next(iter(event)) for event in events]
    assert kinds[0] == "messageStart"
    assert kinds[-2:] == ["messageStop", "metadata"]
    assert kinds.count("contentBlockStart") == 2  # reasoning is not announced
    assert events[-2]["messageStop"]["stopReason"] == "tool_use"
    usage = events[-1]["metadata"]["usage"]
    assert (usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]) == (5, 3)
    assert usage["totalTokens"] == 29


async def test_boto3_brings_tools_and_reasoning_back(service: BedrockService) -> None:
    service.turns.append(Turn(thinking="Hm.", redacted=True, calls=(Call("f", {"a": 1}),)))
    fields = {"modelId": CLAUDE, **TOOLS, "additionalModelRequestFields": {"thinking": BUDGET}}

    def converse() -> str:
        sdk = client(service)
        answer = sdk.converse(messages=[ASK], **fields)["output"]["message"]
        use = answer["content"][-1]["toolUse"]
        assert use["input"] == {"a": 1}
        result = {"toolResult": {"toolUseId": use["toolUseId"], "content": [{"text": "x"}]}}
        last = sdk.converse(messages=[ASK, answer, given(result, {"text": "So?"})], **fields)
        return str(last["output"]["message"]["content"][0]["text"])

    assert await asyncio.to_thread(converse) == "So?"


async def test_boto3_reads_what_else_a_model_may_say(service: BedrockService) -> None:
    service.turns += [
        Turn(text="Green.", cited=True, stop="content_filter"),
        Turn(text="Look:", image="aGk=", stop="fault"),
        Said(stop_reason="model_context_window_exceeded"),
    ]

    def converse() -> list[tuple[list[str], str]]:
        sdk = client(service)
        answers = [sdk.converse(modelId=NOVA, messages=[ASK]) for _ in range(3)]
        return [
            ([next(iter(b)) for b in each["output"]["message"]["content"]], each["stopReason"])
            for each in answers
        ]

    assert await asyncio.to_thread(converse) == [
        (["citationsContent"], "guardrail_intervened"),
        (["text", "image"], "malformed_tool_use"),
        (["text"], "model_context_window_exceeded"),
    ]


async def test_gpt_oss_begins_with_a_text_without_words(service: BedrockService) -> None:
    service.turns.append(Said(blocks=(*EMPTY_TEXT_FIRST, {"text": "Hello"})))

    def converse() -> list[Body]:
        return list(client(service).converse_stream(modelId=GPT, messages=[ASK])["stream"])

    events = await asyncio.to_thread(converse)
    deltas = [e["contentBlockDelta"] for e in events if "contentBlockDelta" in e]
    assert deltas[0] == {"contentBlockIndex": 0, "delta": {"text": ""}}
    assert "reasoningContent" in deltas[1]["delta"]
    assert not any("contentBlockStart" in event for event in events)


COUNTED = CLAUDE.removeprefix("us.")
"""The model itself: a profile is not counted by."""


async def test_boto3_counts_tokens(service: BedrockService) -> None:
    def count() -> int:
        asked = {"converse": {"messages": [ASK]}}
        return int(client(service).count_tokens(modelId=COUNTED, input=asked)["inputTokens"])

    assert await asyncio.to_thread(count) == service.input_tokens


@pytest.mark.parametrize(
    ("model", "body", "tokens", "vector"),
    [
        (TITAN, {"inputText": "a", "dimensions": 256}, 3, lambda b: b["embedding"]),
        ("cohere.embed-english-v3", COHERE, 6, lambda b: b["embeddings"][1]),
        (
            "cohere.embed-v4:0",
            {**COHERE, "embedding_types": ["float"], "output_dimension": 256},
            6,
            lambda b: b["embeddings"]["float"][1],
        ),
    ],
)
async def test_boto3_embeds(
    service: BedrockService,
    model: str,
    body: Body,
    tokens: int,
    vector: Callable[[Body], list[float]],
) -> None:
    def embed() -> tuple[Body, Body]:
        answer = client(service).invoke_model(modelId=model, body=json.dumps(body))
        return json.loads(answer["body"].read()), answer["ResponseMetadata"]["HTTPHeaders"]

    answer, headers = await asyncio.to_thread(embed)
    assert len(vector(answer)) == (2 if "v3" in model else 256)
    assert headers["x-amzn-bedrock-input-token-count"] == str(tokens)


@pytest.mark.parametrize("name", STATUSES)
async def test_boto3_reads_every_scripted_refusal(service: BedrockService, name: str) -> None:
    service.refusals.append(failing(name, "So it is.", retry_after="7"))

    def converse() -> Body:
        with pytest.raises(ClientError) as caught:
            client(service).converse(modelId=NOVA, messages=[ASK])
        return dict(caught.value.response)

    answer = await asyncio.to_thread(converse)
    assert answer["Error"] == {"Code": name, "Message": "So it is."}
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == STATUSES[name]
    assert answer["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "7"
    assert service.refused == []


@pytest.mark.parametrize(
    ("cut", "garbage", "raises"),
    [
        (Cut.RESET, None, "ProtocolError|ConnectionReset|Connection broken|closed"),
        (Cut.CLOSE, None, None),
        (Cut.ERROR, None, "modelStreamErrorException"),
        (Cut.GARBAGE, None, "Checksum|length|exceeded"),
        (Cut.GARBAGE, damaged(frame("contentBlockStop", {})), "Checksum"),
    ],
)
async def test_boto3_sees_how_a_stream_fails(
    service: BedrockService, cut: Cut, garbage: bytes | None, raises: str | None
) -> None:
    service.cuts.append(cut)
    service.fault, service.garbage = "modelStreamErrorException", garbage

    def converse() -> list[str]:
        found = []
        stream = client(service).converse_stream(modelId=NOVA, messages=[ASK])["stream"]
        try:
            found += [next(iter(event)) for event in stream]
        except Exception as error:  # noqa: BLE001  # each cut has an error of its own
            found.append(f"{type(error).__name__} {error}")
        stream.close()
        return found

    events = await asyncio.to_thread(converse)
    assert "messageStop" not in events
    if raises is None:
        assert events == ["messageStart", "contentBlockDelta", "contentBlockDelta"]
    else:
        assert any(word in events[-1] for word in raises.split("|")), events


async def test_it_sees_that_a_client_leaves(service: BedrockService) -> None:
    service.cuts.append(Cut.STALL)
    url = f"{service.url}/model/{NOVA}/converse-stream"
    async with (
        http_client(trust_env=False, headers={"authorization": f"Bearer {BEARER}"}) as http,
        http.stream("POST", url, json={"messages": [ASK]}) as answer,
    ):
        await anext(answer.aiter_raw())
        assert not service.left.is_set()
    async with asyncio.timeout(60):
        await service.left.wait()


async def test_a_refusal_that_nobody_expected_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="identifier is invalid"):
        async with bedrock_service() as service:
            await post(service, "nobody", "converse", {"messages": [ASK]})
