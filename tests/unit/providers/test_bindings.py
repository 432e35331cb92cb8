"""Where each provider is asked, and in which words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.config.snapshot import AWS, GCP, Credential
from airouter.providers.binding import Api
from airouter.providers.registry import load_providers
from airouter.providers.vertex import CLAUDE_ENVELOPE

PROVIDERS = load_providers()
EVERYTHING = ("chat", "completions", "embeddings", "images", "responses")
ROOT = "https://x.openai.azure.com"


def credential(type_: str, **fields: Any) -> Credential:
    return Credential(**{"name": "c", "type": type_, "api": EVERYTHING, **fields})


@pytest.mark.parametrize(
    ("base_url", "version", "api", "path"),
    [
        (ROOT, None, "chat", "/openai/v1/chat/completions"),
        (f"{ROOT}/openai/v1", None, "chat", "/chat/completions"),
        (f"{ROOT}/openai/v1/", None, "responses", "/responses"),
        (ROOT, None, "messages", "/openai/v1/chat/completions"),
        (
            ROOT,
            "2024-10-21",
            "chat",
            "/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21",
        ),
        (
            ROOT,
            "2025-04-01-preview",
            "responses",
            "/openai/responses?api-version=2025-04-01-preview",
        ),
        (ROOT, "v1", "embeddings", "/openai/deployments/my%20gpt/embeddings?api-version=v1"),
    ],
)
def test_azure_has_deployments_where_a_version_is_named(
    base_url: str, version: str | None, api: Api, path: str
) -> None:
    account = credential("AzureOpenAI", base_url=base_url, azure_api_version=version, secret="k")
    provider = PROVIDERS["AzureOpenAI"]
    binding = provider.bind(api, account, "my gpt")
    assert binding is not None
    assert binding.path == path
    assert provider.authorization(account) == [("api-key", "k")]


def test_tokens_are_estimated_for_azure() -> None:
    account = credential("AzureOpenAI", base_url=ROOT)
    binding = PROVIDERS["AzureOpenAI"].bind("count_tokens", account, "m")
    assert binding is not None
    assert binding.api.counter is None


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "https://aiplatform.googleapis.com"),
        ("us", "https://aiplatform.us.rep.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
        ("europe-west4", "https://europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_vertex_is_where_its_location_says(location: str, host: str) -> None:
    account = credential("VertexAI", gcp=GCP(location=location, project="p"))
    assert PROVIDERS["VertexAI"].base_url(account) == host


@pytest.mark.parametrize(
    ("api", "model", "path", "stream_path"),
    [
        (
            "chat",
            "gemini-2.5-flash",
            "google/models/gemini-2.5-flash:generateContent",
            "google/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        ),
        (
            "responses",
            "claude-sonnet-4-5@20250929",
            "anthropic/models/claude-sonnet-4-5@20250929:rawPredict",
            "anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict",
        ),
        ("count_tokens", "claude-opus-4-7", "anthropic/models/count-tokens:rawPredict", ""),
        ("count_tokens", "gemini-2.5-pro", "google/models/gemini-2.5-pro:countTokens", ""),
        ("embeddings", "text-embedding-005", "google/models/text-embedding-005:predict", ""),
        ("images", "imagen-4.0-generate-001", "google/models/imagen-4.0-generate-001:predict", ""),
        ("images", "gemini-2.5-flash-image", "google/models/gemini-2.5-flash-image:gen", ""),
    ],
)
def test_vertex_speaks_to_each_publisher(api: Api, model: str, path: str, stream_path: str) -> None:
    account = credential("VertexAI", gcp=GCP(location="global"))
    binding = PROVIDERS["VertexAI"].bind(api, account, model)
    assert binding is not None
    root = "/v1/projects/{project}/locations/global/publishers/"
    assert binding.path.startswith(root + path)
    assert binding.stream_path == (root + stream_path if stream_path else "")


def test_claude_at_vertex_is_named_in_the_path_alone() -> None:
    account = credential("VertexAI", gcp=GCP(location="global", project="p"))
    provider = PROVIDERS["VertexAI"]
    binding = provider.bind("messages", account, "claude-opus-4-7")
    assert binding is not None
    assert binding.envelope == CLAUDE_ENVELOPE
    counted = provider.bind("count_tokens", account, "claude-opus-4-7")
    assert counted is not None
    assert counted.envelope["model"] == msgspec.Raw(b'"claude-opus-4-7"')
    assert provider.authorization(account) == []


@pytest.mark.parametrize(
    ("type_", "api"),
    [
        ("Anthropic", "embeddings"),
        ("Anthropic", "images"),
        ("Gemini", "completions"),
        ("VertexAI", "completions"),
        ("Bedrock", "embeddings"),
        ("Bedrock", "images"),
    ],
)
def test_what_a_provider_does_not_have_has_no_way(type_: str, api: Api) -> None:
    account = credential(type_, gcp=GCP(location="global"), aws=AWS(region="us-east-1"))
    assert PROVIDERS[type_].bind(api, account, "m") is None


def test_claude_at_vertex_has_no_embeddings() -> None:
    account = credential("VertexAI", gcp=GCP(location="global"))
    assert PROVIDERS["VertexAI"].bind("embeddings", account, "claude-opus-4-7") is None


def test_the_id_of_a_model_is_encoded_once_for_bedrock() -> None:
    account = credential("Bedrock", aws=AWS(region="eu-west-1"))
    provider = PROVIDERS["Bedrock"]
    arn = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/a"
    binding = provider.bind("chat", account, arn)
    assert binding is not None
    assert binding.path == (
        "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Aapplication-inference-profile%2Fa/converse"
    )
    assert provider.base_url(account) == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert provider.base_url(credential("Bedrock")) is None
    assert provider.authorization(account) == []


@pytest.mark.parametrize(
    ("type_", "header"), [("Anthropic", "x-api-key"), ("Gemini", "x-goog-api-key")]
)
def test_a_key_stands_where_the_provider_wants_it(type_: str, header: str) -> None:
    provider = PROVIDERS[type_]
    assert provider.authorization(credential(type_, secret="k")) == [(header, "k")]
    assert provider.authorization(credential(type_)) == []
    assert str(provider.base_url(credential(type_))).startswith("https://")


def test_another_router_is_spoken_to_in_the_clients_own_words() -> None:
    router, account = PROVIDERS["Router"], credential("Router", base_url="http://r.example/v1")
    bindings = {
        api: router.bind(api, account, "m")
        for api in ("chat", "messages", "count_tokens", "responses")
    }
    paths = {api: binding.path for api, binding in bindings.items() if binding}
    assert paths == {
        "chat": "/chat/completions",
        "messages": "/messages",
        "count_tokens": "/messages/count_tokens",
        "responses": "/responses",
    }


@pytest.mark.parametrize(
    ("type_", "status", "body", "expected"),
    [
        ("Anthropic", 404, {"type": "not_found_error", "message": "model: x"}, "model_not_found"),
        ("Anthropic", 413, {"type": "request_too_large", "message": "x"}, "request_too_large"),
        ("Anthropic", 529, {"type": "overloaded_error", "message": "x"}, "overloaded_error"),
        (
            "Anthropic",
            400,
            {"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"},
            "context_length_exceeded",
        ),
        ("VertexAI", 404, {"type": "not_found_error", "message": "x"}, "model_not_found"),
        ("VertexAI", 404, {"code": 404, "status": "NOT_FOUND", "message": "x"}, "model_not_found"),
    ],
)
def test_errors_get_openais_codes(
    type_: str, status: int, body: dict[str, Any], expected: str
) -> None:
    error: dict[str, Any] = {"error": body}
    failure = PROVIDERS[type_].failure(
        status, {}, msgspec.json.encode(error), credential(type_, secret="sk-x")
    )
    assert failure.code == expected


CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
ARN = "arn:aws:bedrock:us-east-1:123456789012"


@pytest.mark.parametrize(
    "model",
    [
        CLAUDE,
        f"us.{CLAUDE}",
        f"us-gov.{CLAUDE}",
        f"global.{CLAUDE}",
        f"{ARN}:inference-profile/eu.{CLAUDE}",
        f"arn:aws:bedrock:us-east-1::foundation-model/{CLAUDE}",
    ],
)
@pytest.mark.parametrize("api", ["count_tokens", "input_tokens"])
def test_bedrock_counts_by_the_name_of_the_model_alone(model: str, api: Api) -> None:
    account = credential("Bedrock", aws=AWS(region="us-east-1"))
    binding = PROVIDERS["Bedrock"].bind(api, account, model)
    assert binding is not None
    assert binding.api.counter is not None
    assert binding.path == "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens"


@pytest.mark.parametrize(
    "model",
    [
        f"{ARN}:application-inference-profile/a1b2c3",
        f"{ARN}:provisioned-model/a1b2c3",
        "us.amazon.nova-pro-v1:0",
        "openai.gpt-oss-120b-1:0",
        "anthropic.claude-3-haiku-20240307-v1:0",
    ],
)
def test_tokens_are_estimated_where_bedrock_does_not_count(model: str) -> None:
    account = credential("Bedrock", aws=AWS(region="us-east-1"))
    binding = PROVIDERS["Bedrock"].bind("count_tokens", account, model)
    assert binding is not None
    assert (binding.api.counter, binding.path) == (None, "")
