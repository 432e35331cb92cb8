"""The strict Bedrock lets in who has a right to it: signatures, bearer tokens, roles."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.session import Session

from contract.services.bedrock.asking import KEY, SECRET, client, post
from contract.services.bedrock.samples import ASK, NOVA
from contract.services.bedrock.service import CLAUDE, BedrockService, bedrock_service
from contract.services.stand_in import Body
from support.http_client import http_client

ROLE = "arn:aws:iam::123456789012:role/router"


@pytest.fixture
async def service() -> AsyncIterator[BedrockService]:
    async with bedrock_service() as found:
        yield found


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
    async with http_client(trust_env=False) as http:
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
    async with http_client(trust_env=False) as http:
        assert (await http.get(f"{service.url}/v1/credentials")).status_code == 401
    service.note_refusal()
