import json
from typing import Any

import pytest
import trustme

from airouter.config.snapshot import Credential, Limits, Mock, Timeouts
from support.manifests import compiled, credential, findings, model, snapshot

KEY = {"name": "keys"}


def test_a_credential_carries_what_it_takes_to_call() -> None:
    declared = credential(
        type="OpenAI",
        baseURL="https://a.example/v1",
        secretRef=KEY,
        labels={"tier": "paid"},
        headers=[{"name": "x-team", "value": "ai"}],
        timeouts={"connect": "1s", "firstByte": "2s", "idle": "3s", "total": "4s"},
        tls={"serverName": "b.example"},
        limits={"rpm": 1, "tpm": 2, "maxConcurrent": 3},
    )
    found = snapshot(credentials=[declared]).credentials[0]
    assert (found.name, found.type, found.base_url) == ("main", "OpenAI", "https://a.example/v1")
    assert (found.secret, found.labels) == ("sk-upstream", {"tier": "paid"})
    assert (found.headers, found.timeouts) == ((("x-team", "ai"),), Timeouts(1, 2, 3, 4))
    assert (found.tls.server_name, found.limits) == ("b.example", Limits(1, 2, 3))


def test_what_is_not_declared_is_at_its_default() -> None:
    (found,) = snapshot().credentials
    assert found == Credential(
        "main", "OpenAICompatible", "http://127.0.0.1:1/v1", api=("chat", "embeddings")
    )


@pytest.mark.parametrize(
    ("type_", "api"),
    [
        ("OpenAI", ("chat", "completions", "embeddings", "images", "responses")),
        ("Router", ("chat", "completions", "embeddings", "images", "responses")),
        ("OpenAICompatible", ("chat", "embeddings")),
        ("Mock", ("chat", "completions", "embeddings")),
    ],
)
def test_a_type_offers_what_it_usually_does(type_: str, api: tuple[str, ...]) -> None:
    assert snapshot(credentials=[credential(type=type_)]).credentials[0].api == api


def test_an_api_that_is_declared_is_taken_as_it_is() -> None:
    found = snapshot(credentials=[credential(api=["completions"])])
    assert found.credentials[0].api == ("completions",)


def test_a_mock_needs_nothing() -> None:
    found = snapshot(credentials=[{"name": "main", "type": "Mock"}])
    assert found.credentials[0].mock == Mock()


def test_a_mock_answers_as_it_is_told() -> None:
    mock = {
        "reply": "tokens:3",
        "tokensPerSecond": 50,
        "latency": "20ms",
        "errorPercent": 1.5,
        "errorStatus": 429,
    }
    found = snapshot(credentials=[{"name": "main", "type": "Mock", "mock": mock}])
    assert found.credentials[0].mock == Mock("tokens:3", 50, 0.02, 1.5, 429)


GOOGLE = {
    "type": "service_account",
    "project_id": "p",
    "client_email": "a@p.iam.gserviceaccount.com",
    "private_key": "-----BEGIN PRIVATE KEY-----",
    "token_uri": "https://oauth2.googleapis.com/token",
}
AWS_LINES = "[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key=abc/def+g\n"


@pytest.mark.parametrize(
    ("type_", "fields", "secret"),
    [
        ("AzureOpenAI", {"baseURL": "https://a.example"}, "key"),
        ("Anthropic", {}, "key"),
        ("Gemini", {}, "key"),
        ("VertexAI", {"gcp": {"location": "global"}}, json.dumps(GOOGLE)),
        ("Bedrock", {"aws": {"region": "us-east-1"}}, AWS_LINES),
        ("Bedrock", {"aws": {"region": "us-east-1"}}, "bedrock-api-key-abc="),
        (
            "Bedrock",
            {"aws": {"region": "us-east-1"}},
            '{"aws_access_key_id": "AKIA", "aws_secret_access_key": "s"}',
        ),
    ],
)
def test_every_type_is_served_with_its_kind_of_secret(
    type_: str, fields: dict[str, Any], secret: str
) -> None:
    declared = {"name": "main", "type": type_, "secretRef": {"name": "own", "key": "k"}, **fields}
    found = compiled(credentials=[declared], secrets={("own", "k"): secret})
    assert found.snapshot is not None
    assert [c.secret for c in found.snapshot.credentials] == [secret.strip()]
    assert [finding for finding in found.findings if finding.severity == "error"] == []


@pytest.mark.parametrize(
    ("type_", "fields", "secret", "why"),
    [
        ("VertexAI", {}, "no json", "is not JSON"),
        ("VertexAI", {}, "[]", "is not a JSON object"),
        ("VertexAI", {}, '{"type": "robot"}', "has none of the types"),
        ("VertexAI", {}, '{"type": "service_account"}', "lacks the field client_email"),
        ("Bedrock", {"aws": {"region": "r"}}, " ", "is empty"),
        ("Bedrock", {"aws": {"region": "r"}}, '{"aws_access_key_id": "A"}', "lacks aws_secret"),
        ("Bedrock", {"aws": {"region": "r"}}, "{oops", "begins as JSON and is not"),
        ("Bedrock", {"aws": {"region": "r"}}, "two words", "is neither keys nor a single word"),
    ],
)
def test_an_identity_that_cannot_be_read_is_told_without_its_value(
    type_: str, fields: dict[str, Any], secret: str, why: str
) -> None:
    declared = {"name": "main", "type": type_, "secretRef": {"name": "own", "key": "k"}, **fields}
    found = compiled(credentials=[declared], secrets={("own", "k"): secret})
    error = next(each.what for each in found.findings if each.reason == "InvalidSecretFormat")
    assert why in error
    assert not secret.strip() or secret.strip() not in error


def test_bedrock_needs_a_region() -> None:
    assert any(
        "spec.credentials[name=main].aws: is required for type Bedrock" in each
        for each in findings(credentials=[{"name": "main", "type": "Bedrock"}])
    )


def test_a_credential_whose_secret_is_missing_is_dropped_and_the_rest_is_served() -> None:
    declared = [credential(secretRef={"name": "kyes"}), credential("other", secretRef=KEY)]
    models = [model("gpt", "main", "other")]
    assert [c.name for c in snapshot(credentials=declared, models=models).credentials] == ["other"]
    assert findings(credentials=declared, models=models)[0] == (
        "error: spec.credentials[name=main].secretRef: there is no usable Secret 'kyes' "
        "(fix: use keys)"
    )


def test_a_credential_without_a_key_is_fine_where_none_may_be_needed() -> None:
    assert findings(credentials=[credential()]) == []


def test_openai_without_a_key_is_worth_a_warning() -> None:
    assert findings(credentials=[{"name": "main", "type": "OpenAI"}]) == [
        (
            "warning: spec.credentials[name=main]: has no secretRef: "
            "the provider will refuse every request"
        )
    ]


def test_certificate_authorities_come_from_a_secret_without_their_comments() -> None:
    first, second = (trustme.CA().cert_pem.bytes().decode().strip() for _ in range(2))
    declared = credential(baseURL="https://a.example", tls={"caSecretRef": {"name": "ca"}})
    bundle = f"# Autorità\n{first}\n\n# another\n{second}\n"
    found = snapshot({("ca", "ca.crt"): bundle}, credentials=[declared])
    assert found.credentials[0].tls.ca_pem == f"{first}\n{second}"


@pytest.mark.parametrize(
    "pem", ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "é"]
)
def test_a_certificate_that_cannot_be_read_drops_the_credential(pem: str) -> None:
    declared = credential(baseURL="https://a.example", tls={"caSecretRef": {"name": "ca"}})
    found = findings({("ca", "ca.crt"): pem}, credentials=[declared])
    assert found[0] == (
        "error: spec.credentials[name=main].tls.caSecretRef: Secret 'ca' holds no readable "
        "certificate (fix: use certificates as PEM)"
    )
    assert snapshot({("ca", "ca.crt"): pem}, credentials=[declared]).credentials == ()


def test_a_certificate_that_is_not_there_drops_the_credential() -> None:
    declared = credential(baseURL="https://a.example", tls={"caSecretRef": {"name": "ca"}})
    assert snapshot(credentials=[declared]).credentials == ()
