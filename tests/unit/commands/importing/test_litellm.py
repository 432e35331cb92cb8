"""LiteLLM's configurations, in the shapes that its documentation shows."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from airouter.commands.importing.litellm import translate_litellm
from support.commands import Airouter

AZURE = """\
model_list:
- model_name: chat
  litellm_params:
    {model: azure/eu, api_base: https://eu.openai.azure.com/, api_key: os.environ/AZURE_EU, rpm: 6}
- model_name: chat
  litellm_params:
    {model: azure/us, api_base: https://us.openai.azure.com/, api_key: os.environ/AZURE_US, rpm: 9}
general_settings: {master_key: os.environ/MASTER}
"""


def translated(text: str) -> Any:
    """The spec of what a configuration becomes, and its report."""
    found = translate_litellm(yaml.safe_load(text))
    return yaml.safe_load(found.config_yaml())["spec"], found.report.text()


def deployment(model: str, **given: Any) -> str:
    """A configuration with one model `m`."""
    item = {"model_name": "m", "litellm_params": {"model": model, **given}}
    return str(yaml.safe_dump({"model_list": [item]}))


def test_deployments_of_a_model_are_its_backends() -> None:
    spec, _ = translated(AZURE)
    (model,) = spec["models"]
    assert model == {
        "name": "chat",
        "backends": [
            {"credential": "azure", "upstreamName": "eu", "limits": {"rpm": 6}},
            {"credential": "azure-2", "upstreamName": "us", "limits": {"rpm": 9}},
        ],
    }


def test_what_is_translated_passes_its_check(airouter: Airouter, tmp_path: Path) -> None:
    Path("litellm.yaml").write_text(AZURE)
    assert airouter("import", "litellm.yaml", "--out", "out").exit_code == 0
    keys = {"AZURE_EU": "sk-1", "AZURE_US": "sk-2", "MASTER": "sk-3"}
    result = airouter("check", "out", "--strict", **keys)
    assert result.output == "0 errors, 0 warnings; serves 1 model, 2 credentials, 0 clients\n"
    assert "carried: general_settings.master_key" in Path("out/import-report.txt").read_text()


def test_the_manifest_and_the_report_can_be_told_apart(airouter: Airouter) -> None:
    result = airouter("import", "-", stdin=AZURE)
    kinds = [each["kind"] for each in yaml.safe_load_all(result.stdout)]
    assert kinds == ["RouterConfig", "Secret", "Secret"]
    assert "carried: model_list[model_name=chat]" in result.stderr


@pytest.mark.parametrize(
    ("model", "given", "credential", "upstream"),
    [
        ("gpt-4o", {}, {"type": "OpenAI"}, "gpt-4o"),
        ("openai/gpt-4o", {}, {"type": "OpenAI"}, "gpt-4o"),
        (
            "openai/facebook/opt-125m",
            {"api_base": "http://vllm:8000/v1"},
            {"type": "OpenAICompatible", "baseURL": "http://vllm:8000/v1"},
            "facebook/opt-125m",
        ),
        ("anthropic/claude-3-5-sonnet", {}, {"type": "Anthropic"}, "claude-3-5-sonnet"),
        ("gemini/gemini-2.5-pro", {}, {"type": "Gemini"}, "gemini-2.5-pro"),
        (
            "vertex_ai/gemini-2.5-pro",
            {"vertex_project": "p", "vertex_location": "europe-west1"},
            {"type": "VertexAI", "gcp": {"location": "europe-west1", "project": "p"}},
            "gemini-2.5-pro",
        ),
        (
            "bedrock/converse/us.anthropic.claude",
            {"aws_region_name": "us-west-2", "aws_role_name": "arn:aws:iam::1:role/r"},
            {
                "type": "Bedrock",
                "aws": {"region": "us-west-2", "roleARN": "arn:aws:iam::1:role/r"},
            },
            "us.anthropic.claude",
        ),
        (
            "ollama/llama3",
            {"api_base": "http://localhost:11434"},
            {"type": "OpenAICompatible", "baseURL": "http://localhost:11434/v1"},
            "llama3",
        ),
        (
            "huggingface/tgi",
            {"api_base": "https://mine.endpoints.huggingface.cloud/"},
            {
                "type": "OpenAICompatible",
                "baseURL": "https://mine.endpoints.huggingface.cloud/v1",
            },
            "tgi",
        ),
        (
            "groq/llama-3.3-70b",
            {},
            {"type": "OpenAICompatible", "baseURL": "https://api.groq.com/openai/v1"},
            "llama-3.3-70b",
        ),
    ],
)
def test_each_provider_has_its_credential(
    model: str, given: dict[str, str], credential: dict[str, Any], upstream: str
) -> None:
    spec, _ = translated(deployment(model, **given))
    (found,) = spec["credentials"]
    assert credential.items() <= found.items()
    assert spec["models"][0]["backends"][0].get("upstreamName", "m") == upstream


def test_a_literal_key_stays_literal() -> None:
    found = translate_litellm(yaml.safe_load(deployment("gpt-4o", api_key="sk-${odd}")))
    assert yaml.safe_load(found.secrets_yaml().split("---")[0])["stringData"] == {
        "openai": "sk-$${odd}"
    }


def test_settings_of_the_router_become_policies() -> None:
    spec, report = translated(
        deployment("gpt-4o")
        + "litellm_settings: {num_retries: 9, request_timeout: 30, drop_params: true}\n"
        "router_settings: {allowed_fails: 2, cooldown_time: 30, routing_strategy: least-busy,\n"
        "  model_group_alias: {gpt: m},\n"
        "  redis_host: os.environ/HOST, redis_password: os.environ/P}\n"
    )
    assert spec["resilience"] == {
        "retries": {"attempts": 5},
        "fail2ban": {"maxAttempts": 3, "banDuration": "30s"},
    }
    assert spec["credentials"][0]["timeouts"] == {"total": "30s"}
    assert spec["models"][0]["aliases"] == ["gpt"]
    assert spec["redis"] == {"urlSecretRef": {"name": "router-keys", "key": "redis"}}
    assert "left out: litellm_settings.drop_params" in report
    assert "left out: router_settings.routing_strategy" in report


def test_fallbacks_go_to_their_models() -> None:
    models = [{"model_name": n, "litellm_params": {"model": "gpt-4o"}} for n in "abc"]
    settings = {
        "fallbacks": [{"a": ["b", "nobody"]}],
        "content_policy_fallbacks": [{"a": ["c"]}],
    }
    spec, report = translated(yaml.safe_dump({"model_list": models, "litellm_settings": settings}))
    assert spec["models"][0]["fallbacks"] == ["b", "c"]
    assert spec["resilience"]["fallbackOn"][-1] == "contentFilter"
    assert "left out: fallbacks a: nobody: no such model" in report


def test_prices_are_per_million_tokens() -> None:
    item = yaml.safe_load(deployment("gpt-4o"))
    item["model_list"][0]["model_info"] = {
        "input_cost_per_token": 0.0000025,
        "output_cost_per_token": "1e-05",
        "max_input_tokens": 128000,
    }
    spec, _ = translated(yaml.safe_dump(item))
    assert spec["models"][0]["metadata"] == {
        "contextWindow": 128000,
        "price": {"input": "2.5", "output": "10"},
    }


def test_a_wildcard_and_an_unknown_provider_are_left_out_with_a_reason() -> None:
    items = [
        {"model_name": "*", "litellm_params": {"model": "*"}},
        {"model_name": "x", "litellm_params": {"model": "sagemaker/x"}},
    ]
    spec, report = translated(yaml.safe_dump({"model_list": items}))
    assert spec["models"] == []
    assert "left out: model_list[model_name=*]: a wildcard" in report
    assert "left out: model_list[model_name=x]: provider sagemaker is not known here" in report


def test_an_unknown_provider_with_an_address_is_told_to_be_asked_by_openai_s_api() -> None:
    _, report = translated(deployment("watsonx/ibm/granite", api_base="https://ibm.test"))
    assert "changed: model_list[model_name=m]: provider watsonx is not known here" in report


@pytest.mark.parametrize("model", ["groq/llama", "hosted_vllm/llama", "openai/llama"])
def test_of_a_provider_that_is_known_nothing_is_changed(model: str) -> None:
    _, report = translated(deployment(model, api_base="https://mine.test/v1"))
    assert "changed: model_list" not in report


def test_an_item_that_names_no_model_is_left_out_with_a_reason() -> None:
    items = [{"model_name": "x", "litellm_params": None}, {"litellm_params": {"model": "gpt-4o"}}]
    spec, report = translated(yaml.safe_dump({"model_list": items}))
    assert spec["models"] == []
    assert "left out: model_list[model_name=x]: it has no litellm_params.model" in report
    assert "left out: model_list[model_name=]: it has no model_name" in report


def test_without_a_master_key_nobody_is_let_in_unknown() -> None:
    spec, report = translated(deployment("gpt-4o"))
    assert spec["auth"]["masterKey"]["secretRef"] == {"name": "router-keys", "key": "master"}
    assert "ROUTER_MASTER_KEY" in report


def test_keys_are_in_no_report(airouter: Airouter) -> None:
    result = airouter("import", "-", stdin=deployment("gpt-4o", api_key="sk-very-secret"))
    assert "sk-very-secret" in result.stdout
    assert "sk-very-secret" not in result.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [("- a\n", "is not a mapping"), ("a: [", "is not YAML"), ("a: 1\n", "is of no router")],
)
def test_a_file_that_cannot_be_translated_is_told(airouter: Airouter, text: str, told: str) -> None:
    result = airouter("import", "-", stdin=text)
    assert result.exit_code == 2
    assert told in result.stderr


@pytest.mark.parametrize("route", ["", "converse/", "invoke/"])
def test_a_region_in_the_name_of_a_bedrock_model_is_its_region(route: str) -> None:
    spec, report = translated(deployment(f"bedrock/{route}us-west-2/amazon.nova-pro-v1:0"))
    assert spec["credentials"][0]["aws"] == {"region": "us-west-2"}
    assert spec["models"][0]["backends"][0]["upstreamName"] == "amazon.nova-pro-v1:0"
    assert "aws_region_name" not in report


def test_the_region_of_an_inference_profile_is_its_region() -> None:
    arn = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude"
    spec, report = translated(deployment(f"bedrock/{arn}"))
    assert spec["credentials"][0]["aws"] == {"region": "eu-west-1"}
    assert spec["models"][0]["backends"][0]["upstreamName"] == arn
    assert "aws_region_name" not in report


def test_headers_and_organization_go_along_with_every_request() -> None:
    spec, report = translated(
        deployment("gpt-4o", extra_headers={"X-Team": "ai", "authorization": "b"}, organization="o")
    )
    assert spec["credentials"][0]["headers"] == [
        {"name": "x-team", "value": "ai"},
        {"name": "openai-organization", "value": "o"},
    ]
    assert "left out: model_list[model_name=m].litellm_params.extra_headers.authorization" in report


def test_a_header_of_a_variable_is_left_out_with_a_reason() -> None:
    spec, report = translated(deployment("gpt-4o", organization="os.environ/ORG"))
    assert "headers" not in spec["credentials"][0]
    assert "left out: model_list[model_name=m].litellm_params.organization: its value is" in report


def test_what_model_info_says_beyond_prices_and_sizes_is_in_the_report() -> None:
    item = yaml.safe_load(deployment("gpt-4o"))
    info = {"base_model": "azure/gpt-4o", "access_groups": ["beta"], "supports_vision": True}
    item["model_list"][0]["model_info"] = info
    _, report = translated(yaml.safe_dump(item))
    for field in info:
        assert f"left out: model_list[model_name=m].model_info.{field}: " in report


def test_a_credentials_file_of_vertex_is_put_into_the_secret_by_a_person() -> None:
    given = {"vertex_credentials": "/etc/gcp/key.json", "vertex_location": "os.environ/REGION"}
    found = translate_litellm(yaml.safe_load(deployment("vertex_ai/gemini-2.5-pro", **given)))
    assert yaml.safe_load(found.secrets_yaml().split("---")[0])["stringData"] == {
        "vertex": "${VERTEX_CREDENTIALS}"
    }
    report = found.report.text()
    assert "changed: model_list[model_name=m].litellm_params.vertex_credentials: " in report
    assert "changed: model_list[model_name=m].litellm_params.vertex_location: " in report
    assert found.spec["credentials"][0]["gcp"]["location"] == "us-central1"


def test_a_project_of_a_variable_is_left_to_a_person() -> None:
    given = {"vertex_project": "os.environ/GCP_PROJECT", "vertex_location": "europe-west1"}
    spec, report = translated(deployment("vertex_ai/gemini-2.5-pro", **given))
    assert spec["credentials"][0]["gcp"] == {"location": "europe-west1"}
    assert "changed: model_list[model_name=m].litellm_params.vertex_project: " in report


def test_a_role_of_a_variable_is_left_to_a_person() -> None:
    given = {"aws_region_name": "us-east-1", "aws_role_name": "os.environ/ROLE"}
    spec, report = translated(deployment("bedrock/anthropic.claude", **given))
    assert spec["credentials"][0]["aws"] == {"region": "us-east-1"}
    assert "changed: model_list[model_name=m].litellm_params.aws_role_name: " in report


@pytest.mark.parametrize("given", [{"azure_ad_token": "os.environ/T"}, {"tenant_id": "t"}])
def test_an_azure_without_a_key_is_called_by_workload_identity(given: dict[str, str]) -> None:
    base = {"api_base": "https://a.openai.azure.com"}
    spec, report = translated(deployment("azure/gpt-4o", **base, **given))
    assert "secretRef" not in spec["credentials"][0]
    assert f"changed: model_list[model_name=m].litellm_params.{next(iter(given))}: " in report


def test_text_completions_of_openai_are_openais() -> None:
    spec, _ = translated(deployment("text-completion-openai/gpt-3.5-turbo-instruct"))
    assert spec["credentials"][0]["type"] == "OpenAI"
    assert spec["models"][0]["backends"][0]["upstreamName"] == "gpt-3.5-turbo-instruct"


def test_other_files_of_a_configuration_are_named() -> None:
    _, report = translated(deployment("gpt-4o") + "include: [models.yaml]\n")
    assert "left out: include: " in report
    assert "not known here" not in report
