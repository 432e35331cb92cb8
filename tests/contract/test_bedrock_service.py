"""The strict Bedrock itself: boto3 works with it, and each of its rules refuses."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import boto3  # type: ignore[import-untyped]  # it has no types
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.session import Session

from contract.services.bedrock.answers import EMPTY_TEXT_FIRST, Said
from contract.services.bedrock.framing import damaged, frame
from contract.services.bedrock.refusals import STATUSES, failing
from contract.services.bedrock.rules import LIMITS, RULES
from contract.services.bedrock.service import (
    BEARER,
    CLAUDE,
    KEYS,
    MODELS,
    PROFILE,
    BedrockService,
    bedrock_service,
)
from contract.services.stand_in import Body, Call, Cut, Refusal, Turn

ASK: Body = {"role": "user", "content": [{"text": "Hi"}]}
USE: Body = {"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}}
RESULT: Body = {"toolResult": {"toolUseId": "t1", "content": [{"text": "x"}]}}
SPEC: Body = {"name": "f", "description": "d", "inputSchema": {"json": {}}}
TOOLS: Body = {"toolConfig": {"tools": [{"toolSpec": SPEC}]}}
CACHE: Body = {"cachePoint": {"type": "default"}}
FILE: Body = {"document": {"name": "a", "format": "txt", "source": {"text": "x"}}}
BUDGET: Body = {"type": "enabled", "budget_tokens": 2000}
NOVA, LLAMA = "amazon.nova-pro-v1:0", "meta.llama3-3-70b-instruct-v1:0"
MISTRAL, GPT = "mistral.mistral-large-2407-v1:0", "openai.gpt-oss-120b-1:0"
OPUS = "us.anthropic.claude-opus-4-7"
TITAN = "amazon.titan-embed-text-v2:0"
ROLE = "arn:aws:iam::123456789012:role/router"
KEY, (SECRET, _) = next(iter(KEYS.items()))


@pytest.fixture
async def service() -> AsyncIterator[BedrockService]:
    async with bedrock_service() as found:
        yield found


def client(
    service: BedrockService,
    *keys: str | None,
    name: str = "bedrock-runtime",
    region: str | None = None,
) -> Any:
    """boto3, which tries once."""
    key, secret, token = (*keys, None) if len(keys) == 2 else keys or (KEY, SECRET, None)
    return boto3.client(
        name,
        endpoint_url=service.url,
        region_name=region or service.region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


def said(*blocks: Body) -> Body:
    return {"role": "assistant", "content": list(blocks)}


def given(*blocks: Body) -> Body:
    return {"role": "user", "content": list(blocks)}


def thinking(kind: Body, **fields: Any) -> Body:
    extra = {"additionalModelRequestFields": {"thinking": kind}}
    return {"messages": [ASK], **extra, **fields}


def tool(**changed: Any) -> Body:
    return {"messages": [ASK], "toolConfig": {"tools": [{"toolSpec": {**SPEC, **changed}}]}}


def called(use: Body, result: Body) -> Body:
    use = {"toolUse": {**USE["toolUse"], **use}}
    return {
        "messages": [ASK, said(use), given({"toolResult": {**RESULT["toolResult"], **result}})],
        **TOOLS,
    }


async def post(
    service: BedrockService, model: str, method: str, body: Body, *, bearer: str = BEARER
) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        url = f"{service.url}/model/{quote(model, safe='')}/{method}"
        head = {"authorization": f"Bearer {bearer}", "content-type": "application/json"}
        return await http.post(url, content=json.dumps(body), headers=head)


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


async def test_boto3_counts_tokens(service: BedrockService) -> None:
    def count() -> int:
        asked = {"converse": {"messages": [ASK]}}
        return int(client(service).count_tokens(modelId=CLAUDE, input=asked)["inputTokens"])

    assert await asyncio.to_thread(count) == service.input_tokens


COHERE = {"texts": ["a", "b"], "input_type": "search_query"}


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


@pytest.mark.parametrize(
    ("model", "body", "says"),
    [
        (TITAN, {}, "required key [inputText]"),
        (TITAN, {"inputText": ""}, "#/inputText"),
        (TITAN, {"inputText": "a", "dimensions": 3}, "#/dimensions"),
        (TITAN, {"inputText": ["a"]}, "#/inputText"),
        ("cohere.embed-english-v3", {"texts": ["a"]}, "required key [input_type]"),
        ("cohere.embed-english-v3", {**COHERE, "texts": ["a"] * 97}, "#/texts"),
        ("cohere.embed-english-v3", {**COHERE, "output_dimension": 256}, "extraneous key"),
        ("cohere.embed-v4:0", {**COHERE, "truncate": "END"}, "#/truncate"),
        ("nobody", {}, "identifier is invalid"),
    ],
)
async def test_embeddings_that_a_model_refuses_are_refused(
    service: BedrockService, model: str, body: Body, says: str
) -> None:
    answer = await post(service, model, "invoke", body)
    assert answer.status_code == 400
    assert says in service.note_refusal()


@pytest.mark.parametrize(
    ("keys", "region", "says"),
    [
        ((KEY, "wrong"), None, "InvalidSignatureException"),
        (("AKIANOBODY", SECRET), None, "UnrecognizedClientException"),
        ((KEY, SECRET, "unknown"), None, "UnrecognizedClientException"),
        (("ASIAOLD", "old", "over"), None, "ExpiredTokenException"),
        ((KEY, SECRET), "eu-west-1", "InvalidSignatureException"),
    ],
)
async def test_boto3_is_told_what_is_wrong_with_its_keys(
    service: BedrockService, keys: tuple[str, ...], region: str | None, says: str
) -> None:
    service.keys["ASIAOLD"] = ("old", "over")
    service.access.ends["ASIAOLD"] = time.time() - 1

    def converse() -> None:
        with pytest.raises(ClientError, match=says):
            client(service, *keys, region=region).converse(modelId=CLAUDE, messages=[ASK])

    await asyncio.to_thread(converse)
    service.note_refusal()


async def signed(
    service: BedrockService,
    path: str,
    *,
    signed_path: str | None = None,
    at: timedelta = timedelta(),
    body: bytes = b"",
) -> httpx.Response:
    """A request whose signature is that of perhaps another path, time or body."""
    data = json.dumps({"messages": [ASK]}).encode()
    aws = AWSRequest("POST", f"{service.url}{signed_path or path}", data=data)
    aws.context["timestamp"] = (datetime.now(UTC) + at).strftime("%Y%m%dT%H%M%SZ")
    aws.headers["X-Amz-Date"] = aws.context["timestamp"]
    signer = SigV4Auth(Credentials(KEY, SECRET), "bedrock", service.region)
    wanted = signer.string_to_sign(aws, signer.canonical_request(aws))
    scope = f"Credential={signer.scope(aws)}, SignedHeaders=host;x-amz-date"
    headers = {
        "authorization": f"AWS4-HMAC-SHA256 {scope}, Signature={signer.signature(wanted, aws)}",
        "x-amz-date": aws.context["timestamp"],
    }
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(f"{service.url}{path}", content=body or data, headers=headers)


ENCODED = f"/model/{quote(CLAUDE, safe='')}/converse"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"signed_path": f"/model/{CLAUDE}/converse"}, "does not match"),
        ({"signed_path": ENCODED.replace("%", "%25")}, "does not match"),
        ({"at": timedelta(minutes=-6)}, "Signature expired"),
        ({"at": timedelta(minutes=6)}, "not yet current"),
        ({"body": b"{}"}, "does not match"),
    ],
)
async def test_a_signature_is_for_this_path_and_time_and_body(
    service: BedrockService, wrong: Body, says: str
) -> None:
    assert (await signed(service, ENCODED)).status_code == 200
    answer = await signed(service, ENCODED, **wrong)
    assert answer.status_code == 403
    assert answer.headers["x-amzn-errortype"].startswith("InvalidSignatureException")
    assert says in service.note_refusal()


async def test_a_bearer_token_has_to_be_the_right_one(service: BedrockService) -> None:
    body = {"messages": [ASK]}
    assert (await post(service, NOVA, "converse", body)).status_code == 200
    assert (await post(service, NOVA, "converse", body, bearer="other")).status_code == 403
    service.note_refusal()


async def test_boto3_assumes_a_role_and_works_with_its_keys_until_they_end(
    service: BedrockService,
) -> None:
    def assume() -> tuple[str, str, str]:
        sts = client(service, name="sts")
        assert sts.get_caller_identity()["Account"] == "123456789012"
        named = {"RoleArn": ROLE, "RoleSessionName": "router"}
        web = sts.assume_role_with_web_identity(
            **named, WebIdentityToken=service.sessions.web_identity
        )
        for found in (sts.assume_role(**named)["Credentials"], web["Credentials"]):
            keys = (found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
            client(service, *keys).converse(modelId=NOVA, messages=[ASK])
            left = found["Expiration"].timestamp() - time.time()
            assert 3500 < left <= 3600
        return keys

    keys = await asyncio.to_thread(assume)
    assert service.sessions.calls == {
        "GetCallerIdentity": 1,
        "AssumeRole": 1,
        "AssumeRoleWithWebIdentity": 1,
    }
    service.access.ends[keys[0]] = time.time()

    def converse() -> None:
        with pytest.raises(ClientError, match="ExpiredTokenException"):
            client(service, *keys).converse(modelId=NOVA, messages=[ASK])

    await asyncio.to_thread(converse)
    service.note_refusal()


@pytest.mark.parametrize(
    ("keys", "asked", "says"),
    [
        ((KEY, "wrong"), {}, "SignatureDoesNotMatch"),
        ((KEY, SECRET), {"DurationSeconds": 100_000}, "DurationSeconds"),
        ((KEY, SECRET), {"RoleArn": "arn:aws:iam::router-of-nobody"}, "RoleArn"),
        ((KEY, SECRET), {"WebIdentityToken": "other"}, "InvalidIdentityToken"),
    ],
)
async def test_sts_refuses_as_xml(
    service: BedrockService, keys: tuple[str, str], asked: Body, says: str
) -> None:
    named = {"RoleArn": ROLE, "RoleSessionName": "router", **asked}

    def assume() -> None:
        sts = client(service, *keys, name="sts")
        web = "WebIdentityToken" in asked
        ask = sts.assume_role_with_web_identity if web else sts.assume_role
        with pytest.raises(ClientError, match=says):
            ask(**named)

    await asyncio.to_thread(assume)
    service.note_refusal()


async def test_botocore_takes_its_keys_from_the_agent_of_pod_identity(
    service: BedrockService, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{service.url}/v1/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", service.sessions.pod_token)

    def converse() -> None:
        credentials = Session().get_credentials()
        assert credentials is not None
        found = credentials.get_frozen_credentials()
        keys = (found.access_key, found.secret_key, found.token)
        client(service, *keys).converse(modelId=NOVA, messages=[ASK])

    await asyncio.to_thread(converse)
    assert service.sessions.calls == {"credentials": 1}
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{service.url}/v1/credentials")).status_code == 401
    service.note_refusal()


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
        httpx.AsyncClient(trust_env=False, headers={"authorization": f"Bearer {BEARER}"}) as http,
        http.stream("POST", url, json={"messages": [ASK]}) as answer,
    ):
        await anext(answer.aiter_raw())
        assert not service.left.is_set()
    async with asyncio.timeout(5):
        await service.left.wait()


async def test_a_refusal_that_nobody_expected_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="identifier is invalid"):
        async with bedrock_service() as service:
            await post(service, "nobody", "converse", {"messages": [ASK]})


Case = tuple[str, Body, str]
MISSHAPEN: list[Case] = [
    (NOVA, {"messages": [ASK], "wish": 1}, "unknown"),
    (NOVA, {"messages": [given({"text": "x", "image": {}})]}, "union"),
    (NOVA, {"messages": [{"role": "robot", "content": [{"text": "x"}]}]}, "not one of"),
    (NOVA, {"messages": [{"role": "user"}]}, "required"),
    (NOVA, {"messages": [ASK], "inferenceConfig": {"temperature": 1.5}}, "more than 1"),
    (NOVA, {"messages": [ASK], "inferenceConfig": {"maxTokens": 0}}, "less than 1"),
    (NOVA, tool(name="a b"), "is not [a-zA-Z0-9_-]+"),
    (NOVA, tool(name="a" * 65), "65 is more than 64"),
    (NOVA, tool(description=""), "0 is less than 1"),
    (NOVA, called({"toolUseId": "a|b"}, {"toolUseId": "a|b"}), "is not [a-zA-Z0-9_.:-]+"),
    (NOVA, called({"toolUseId": "a" * 65}, {"toolUseId": "a" * 65}), "65 is more than 64"),
    (NOVA, {"messages": [given({"image": {"format": "png", "source": {"url": "x"}}})]}, "unknown"),
]
REFUSED: list[Case] = [
    (NOVA, {"messages": []}, "at least one message"),
    (NOVA, {}, "at least one message"),
    (NOVA, {"messages": [given()]}, "is empty"),
    (NOVA, {"messages": [said({"text": "Hi"})]}, "start with a user message"),
    (CLAUDE, {"messages": [ASK, ASK]}, "must alternate"),
    (NOVA, {"messages": [given({"text": " "})]}, "messages.0.content.0 is blank"),
    (NOVA, {"messages": [ASK], "system": [{"text": " "}]}, "system.0 is blank"),
    (NOVA, called({}, {"content": [{"text": ""}]}), "messages.2.content.0 is blank"),
    (NOVA, {"messages": [ASK, said(USE, USE), given(RESULT)], **TOOLS}, "duplicate Ids"),
    (NOVA, {"messages": [ASK, said(USE), given({"text": "x"})], **TOOLS}, "Expected toolResult"),
    (NOVA, {"messages": [ASK, said(USE)], **TOOLS}, "Expected toolResult"),
    (NOVA, {"messages": [given(RESULT)], **TOOLS}, "exceeds the number of toolUse"),
    (NOVA, {"messages": [ASK, said(USE), given(RESULT, RESULT)], **TOOLS}, "exceeds the number"),
    (NOVA, {"messages": [ASK, said(USE), given(RESULT)]}, "toolConfig field must be defined"),
    (NOVA, called({}, {"content": [], "status": "error"}), "must have content"),
    (LLAMA, {"messages": [ASK, said(USE), given(RESULT, {"text": "x"})], **TOOLS}, "Only tool"),
    (MISTRAL, {"messages": [ASK, said(USE), given(RESULT, {"text": "x"})], **TOOLS}, "Only tool"),
    (NOVA, {"messages": [given(FILE)]}, "text block is required"),
    (NOVA, {"messages": [given(FILE, FILE, {"text": "x"})]}, "duplicate document names"),
    *(
        (
            NOVA,
            {"messages": [given({"document": {**FILE["document"], "name": n}}, {"text": "x"})]},
            "can only contain alphanumeric",
        )
        for n in ("a.txt", "a_b", "a  b", "Grüße")
    ),
    (NOVA, {"messages": [given(CACHE, {"text": "x"})]}, "cachePoint cannot be inserted"),
    (NOVA, {"messages": [given({"text": "x"}, CACHE, CACHE)]}, "after cachePoint"),
    (NOVA, {"messages": [given({"text": "x"}, FILE, CACHE)]}, "after document"),
    (NOVA, {"messages": [ASK], "system": [CACHE]}, "cachePoint cannot be inserted"),
    (CLAUDE, {"messages": [given(*[{"text": "x"}, CACHE] * 5)]}, "A maximum of 4 blocks"),
    (LLAMA, {"messages": [given({"text": "x"}, CACHE)]}, "did not allow prompt caching"),
    (
        NOVA,
        {"messages": [given({"image": {"format": "png", "source": {"bytes": "not base64!"}}})]},
        "not base64",
    ),
    (OPUS, {"messages": [ASK], "inferenceConfig": {"temperature": 0.5}}, "deprecated"),
    (OPUS, {"messages": [ASK], "inferenceConfig": {"topP": 0.5}}, "`top_p` is deprecated"),
    (NOVA, thinking(BUDGET), "extraneous key"),
    (CLAUDE, thinking({"type": "deep"}), "Input tag 'deep'"),
    (OPUS, thinking(BUDGET), "is not supported for this model"),
    (CLAUDE, thinking({"type": "adaptive"}), "adaptive thinking is not supported"),
    (PROFILE, thinking({"type": "adaptive"}), "adaptive thinking is not supported"),
    (CLAUDE, thinking({"type": "enabled"}), "Field required"),
    (CLAUDE, thinking({**BUDGET, "budget_tokens": 1023}), "greater than or equal to 1024"),
    (CLAUDE, thinking(BUDGET, inferenceConfig={"maxTokens": 2000}), "must be greater than"),
    (
        CLAUDE,
        thinking(BUDGET, toolConfig={**TOOLS["toolConfig"], "toolChoice": {"any": {}}}),
        "forces tool use",
    ),
    (CLAUDE, thinking(BUDGET, inferenceConfig={"temperature": 0.5}), "may only be set to 1"),
    (CLAUDE, thinking(BUDGET, **called({}, {})), "must start with a thinking block"),
]
FOREIGN: Body = {"reasoningContent": {"reasoningText": {"text": "x", "signature": "y"}}}
UNKNOWN: list[Case] = [
    (CLAUDE, {"messages": [ASK, said(FOREIGN, {"text": "z"}), ASK]}, "Invalid `signature`"),
    (
        CLAUDE,
        {
            "messages": [
                ASK,
                said({"reasoningContent": {"redactedContent": "eA=="}}, {"text": "z"}),
                ASK,
            ]
        },
        "Invalid `data`",
    ),
    (CLAUDE.removeprefix("us."), {"messages": [ASK]}, "on-demand throughput isn't supported"),
    ("nobody", {"messages": [ASK]}, "identifier is invalid"),
]


@pytest.mark.parametrize(("model", "body", "says"), MISSHAPEN + REFUSED + UNKNOWN)
@pytest.mark.parametrize("method", ["converse", "converse-stream"])
async def test_each_rule_refuses(
    service: BedrockService, method: str, model: str, body: Body, says: str
) -> None:
    answer = await post(service, model, method, body)
    denied = "caching" in says
    kind = "AccessDeniedException" if denied else "ValidationException"
    assert answer.status_code == STATUSES[kind]
    assert answer.headers["x-amzn-errortype"].startswith(kind)
    assert says in json.loads(service.note_refusal())["message"]


@pytest.mark.parametrize("rule", [*RULES, *LIMITS])
def test_no_rule_is_dead(rule: Callable[[Body, str], None]) -> None:
    """Each refuses some body by itself."""

    def refuses(model: str, body: Body) -> bool:
        try:
            rule({"messages": [ASK], **body}, CLAUDE if model == PROFILE else model)
        except Refusal:
            return True
        except IndexError:
            return False  # a body without messages, which another rule refuses
        return False

    assert any(refuses(model, body) for model, body, _ in REFUSED)


async def test_reasoning_that_was_altered_is_refused(service: BedrockService) -> None:
    service.turns.append(Turn(thinking="Hm.", text="Yes."))
    answer = (await post(service, CLAUDE, "converse", {"messages": [ASK]})).json()
    message = answer["output"]["message"]
    again = {"messages": [ASK, message, ASK]}
    assert (await post(service, CLAUDE, "converse", again)).status_code == 200
    message["content"][0]["reasoningContent"]["reasoningText"]["text"] += " "
    assert (await post(service, CLAUDE, "converse", again)).status_code == 400
    assert "Invalid `signature`" in service.note_refusal()


@pytest.mark.parametrize(
    ("model", "body", "says"),
    [
        (NOVA, {"converse": {"messages": [ASK]}}, "doesn't support counting tokens"),
        (CLAUDE, {"converse": {"messages": [ASK, ASK]}}, "must alternate"),
        (CLAUDE, {"converse": {"messages": [ASK], "inferenceConfig": {}}}, "unknown"),
        (CLAUDE, {}, "union"),
    ],
)
async def test_what_cannot_be_counted_is_refused(
    service: BedrockService, model: str, body: Body, says: str
) -> None:
    answer = await post(service, model, "count-tokens", {"input": body})
    assert answer.status_code == 400
    assert says in service.note_refusal()
