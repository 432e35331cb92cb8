"""Signatures that AWS would accept, with keys of every origin."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from airouter.providers.identity.aws import LARGE, AwsSigner
from airouter.providers.identity.base import IdentityError
from support.clouds import AWS, ROLE, listening

REGION, HOST = "eu-central-1", "bedrock-runtime.eu-central-1.amazonaws.com"
PATH, BODY = b"/model/us.anthropic.claude%3A0/converse", b'{"messages":[]}'
STATIC = json.dumps({"aws_access_key_id": "AKID", "aws_secret_access_key": "static/secret"})
API_KEY = "ABSKQmVkcm9jaw=="


def headers_of(head: bytes) -> dict[str, str]:
    lines = head.decode().removesuffix("\r\n").split("\r\n")
    return dict(line.split(": ", 1) for line in lines)


def expected_authorization(
    key_id: str, secret: str, headers: dict[str, str], path: bytes, body: bytes, host: str
) -> str:
    """Signature Version 4 as AWS describes it, step by step, without botocore."""
    signed = {"host": host, **{n: v for n, v in headers.items() if n.startswith("x-amz-")}}
    names = ";".join(sorted(signed))
    canonical = "\n".join(
        (
            "POST",
            quote(path.decode(), safe="/-_.~"),
            "",
            *(f"{name}:{signed[name]}" for name in sorted(signed)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    moment = headers["x-amz-date"]
    scope = f"{moment[:8]}/{REGION}/bedrock/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"):
        key = hmac.digest(key, part.encode(), "sha256")
    return (
        f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, "
        f"Signature={key.hex()}"
    )


@pytest.mark.parametrize("host", [HOST, "127.0.0.1:8443"])
@pytest.mark.parametrize("body", [BODY, b"", b"x" * (LARGE + 1)])
async def test_a_signature_is_as_aws_computes_it(host: str, body: bytes) -> None:
    path, head = await AwsSigner(REGION, host, STATIC).sign(PATH, body)
    headers = headers_of(head)
    assert path == PATH
    assert set(headers) == {"x-amz-date", "authorization"}
    assert headers["authorization"] == expected_authorization(
        "AKID", "static/secret", headers, PATH, body, host
    )


async def test_a_session_token_is_sent_and_signed() -> None:
    secret = "AccessKeyId=ASIA\nSecretAccessKey=s\nSessionToken=t/+="
    _, head = await AwsSigner(REGION, HOST, secret).sign(PATH, BODY)
    headers = headers_of(head)
    assert headers["x-amz-security-token"] == "t/+="
    assert headers["authorization"] == expected_authorization(
        "ASIA", "s", headers, PATH, BODY, HOST
    )


async def test_an_api_key_is_sent_as_it_is() -> None:
    _, head = await AwsSigner(REGION, HOST, API_KEY).sign(PATH, BODY)
    assert head == f"authorization: Bearer {API_KEY}\r\n".encode()


async def test_an_api_key_of_the_environment_goes_before_keys_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", API_KEY)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    _, head = await AwsSigner(REGION, HOST).sign(PATH, BODY)
    assert head.startswith(b"authorization: Bearer ")
    _, head = await AwsSigner(REGION, HOST, STATIC).sign(PATH, BODY)
    assert b"Credential=AKID/" in head


async def test_an_api_key_that_shall_assume_a_role_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot assume a role"):
        AwsSigner(REGION, HOST, API_KEY, ROLE)


async def test_keys_of_the_environment_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    _, head = await AwsSigner(REGION, HOST).sign(PATH, BODY)
    assert b"Credential=ENV/" in head


async def test_where_there_is_no_identity_the_request_says_so() -> None:
    with pytest.raises(IdentityError, match="no credentials were found around the process"):
        await AwsSigner(REGION, HOST).sign(PATH, BODY)


async def test_a_role_is_assumed_with_the_given_keys(sts: AWS) -> None:
    _, head = await AwsSigner(REGION, HOST, STATIC, ROLE).sign(PATH, BODY)
    headers = headers_of(head)
    assert headers["authorization"] == expected_authorization(
        "ASIAtoken-1", "secret of token-1", headers, PATH, BODY, HOST
    )
    (asked,) = sts.asked
    assert (asked["Action"], asked["RoleArn"]) == ("AssumeRole", ROLE)
    assert asked["RoleSessionName"] == "airouter"
    assert (
        f"Credential=AKID/{time.strftime('%Y%m%d', time.gmtime())}/{REGION}/sts"
        in (asked["authorization"])
    )


async def test_a_service_account_of_kubernetes_is_a_role(
    sts: AWS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("projected")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    _, head = await AwsSigner(REGION, HOST).sign(PATH, BODY)
    assert b"x-amz-security-token: token-1\r\n" in head
    (asked,) = sts.asked
    assert (asked["Action"], asked["WebIdentityToken"]) == (
        "AssumeRoleWithWebIdentity",
        "projected",
    )


async def test_no_request_has_keys_that_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = AWS()
    agent.life = 1.0
    (tmp_path / "token").write_text("pod token")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    async with listening(agent.answer) as url:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/pod")
        signer = AwsSigner(REGION, HOST)
        await signer.sign(PATH, BODY)
        signer.start()
        while len(agent.asked) < 4:
            _, head = await signer.sign(PATH, BODY)
            assert agent.is_valid(head)
            await asyncio.sleep(0.002)
        signer.close()
    assert {asked["authorization"] for asked in agent.asked} == {"pod token"}


async def test_a_refusal_is_told_by_its_code_and_nothing_that_it_quotes(
    sts: AWS, caplog: pytest.LogCaptureFixture
) -> None:
    sts.refusal = "not with static/secret"
    signer = AwsSigner(REGION, HOST, STATIC, ROLE, name="b")
    with pytest.raises(IdentityError, match="'b': AWS refused with 'AccessDenied'") as caught:
        await signer.sign(PATH, BODY)
    assert "static/secret" not in caplog.text + str(caught.value) + repr(signer)


@pytest.mark.parametrize("text", ["", "{", '{"aws_access_key_id":"a"}', "two words", "a=b\nc"])
def test_a_secret_of_no_known_form_is_refused_before_any_request(text: str) -> None:
    with pytest.raises(ValueError, match=r"is |lacks|has a line|begins"):
        AwsSigner(REGION, HOST, text)
