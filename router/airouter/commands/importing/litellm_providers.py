"""Accounts of LiteLLM's deployments: the provider in front of a model's name, its address and key.

The prefixes are those of https://docs.litellm.ai/docs/providers.
"""

import json
import re
from typing import Any, NamedTuple

from airouter.commands.importing.reading import ENVIRON, Values, foreign_text, of_environ
from airouter.commands.importing.report import ImportReport

COMPATIBLE = {
    "openrouter": "https://openrouter.ai/api/v1",
    "groq": "https://api.groq.com/openai/v1",
    "mistral": "https://api.mistral.ai/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "together_ai": "https://api.together.xyz/v1",
    "xai": "https://api.x.ai/v1",
    "fireworks_ai": "https://api.fireworks.ai/inference/v1",
    "perplexity": "https://api.perplexity.ai",
    "cerebras": "https://api.cerebras.ai/v1",
    "nvidia_nim": "https://integrate.api.nvidia.com/v1",
    "sambanova": "https://api.sambanova.ai/v1",
    "deepinfra": "https://api.deepinfra.com/v1/openai",
    "moonshot": "https://api.moonshot.ai/v1",
}
"""Prefix to the root of an API that is OpenAI's in form."""
PLAIN = {
    "openai": "OpenAI",
    "text-completion-openai": "OpenAI",
    "anthropic": "Anthropic",
    "gemini": "Gemini",
}
"""Prefix to the type of a credential that needs nothing but a key."""
OWN_SERVERS = frozenset(
    {
        *(
            "ollama",
            "ollama_chat",
            "hosted_vllm",
            "vllm",
            "lm_studio",
            "llamafile",
            "litellm_proxy",
        ),
        *("custom_openai", "openai_like", "xinference", "infinity"),
    }
)
"""Prefixes of servers whose address stands in `api_base`."""
OLLAMA = frozenset({"ollama", "ollama_chat"})
BELOW_V1 = OLLAMA | {"huggingface"}
"""Prefixes of servers whose `api_base` lacks the `/v1` that their chats are below."""
OLLAMA_AT = "http://localhost:11434"
KEYS = {
    "openai": "OPENAI_API_KEY",
    "text-completion-openai": "OPENAI_API_KEY",
    "azure": "AZURE_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "gemini": "GEMINI_API_KEY",
}
"""Variable that LiteLLM looks into where a deployment has no key; others: PREFIX_API_KEY."""
ROUTES = ("converse/", "invoke/")
"""Ways to ask Bedrock, in front of a region or a model."""
REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]")
"""A region of AWS, as it stands in front of a model or in an ARN."""
BY_BEGINNING = {
    "gpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "chatgpt": "openai",
    "text-embedding": "openai",
    "dall-e": "openai",
    "claude": "anthropic",
    "gemini": "vertex_ai",
}
"""Providers of models without a prefix."""


class ForeignAccount(NamedTuple):
    """An account: fields of a credential, its key as a Secret has it, and the model there."""

    wanted_name: str
    fields: dict[str, Any]
    key: str
    upstream_name: str


def account_of(given: Values, report: ImportReport, what: str) -> ForeignAccount | None:
    """Return the account of a deployment; None, and a line of the report, where there is none."""
    prefix, upstream = provider_of(given)
    base = foreign_text(given, "api_base") or foreign_text(given, "base_url")
    if ENVIRON.fullmatch(base):
        why = f"its address is the variable {base.rpartition('/')[2]}; a baseURL is written out"
        report.changed(f"{what}.litellm_params.api_base", f"{why}: put it in place of REPLACE-ME")
        base = "https://REPLACE-ME.example.com"
    key = key_of(given, prefix)
    match prefix:
        case "azure" | "azure_ai":
            return azure_account(given, base, key, upstream, report, what)
        case "vertex_ai" | "vertex_ai_beta":
            return vertex_account(given, upstream, report, what)
        case "bedrock" | "bedrock_converse":
            return bedrock_account(given, upstream, report, what)
    if prefix in PLAIN and not (PLAIN[prefix] == "OpenAI" and base):
        fields = {"type": PLAIN[prefix], **({"baseURL": base} if base else {})}
        return ForeignAccount(PLAIN[prefix].lower(), fields, key, upstream)
    return compatible_account(prefix, base, key, upstream, report, what)


def provider_of(given: Values) -> tuple[str, str]:
    """Return the provider's prefix and the model's name there."""
    model = foreign_text(given, "model")
    stated = foreign_text(given, "custom_llm_provider")
    prefix, slash, rest = model.partition("/")
    known = {*KEYS, *COMPATIBLE, *OWN_SERVERS, "azure_ai", "vertex_ai", "vertex_ai_beta"}
    if slash and (prefix in known or prefix.startswith("bedrock")):
        return prefix, rest
    if stated:
        return stated, model
    for beginning, provider in BY_BEGINNING.items():
        if model.startswith(beginning):
            return provider, model
    return (prefix, rest) if slash else ("openai", model)


def key_of(given: Values, prefix: str) -> str:
    """Return the key as the value of a Secret, by the variable that LiteLLM would look into."""
    stated = foreign_text(given, "api_key")
    if stated:
        return of_environ(stated)
    if prefix in OWN_SERVERS:
        return ""
    return f"${{{KEYS.get(prefix, f'{prefix.upper()}_API_KEY')}}}"


def azure_account(
    given: Values, base: str, key: str, upstream: str, report: ImportReport, what: str
) -> ForeignAccount | None:
    """Return an account of Azure OpenAI, whose models are deployments."""
    if not base:
        report.left_out(what, "its api_base is in no file; AzureOpenAI needs a baseURL")
        return None
    fields: dict[str, Any] = {"type": "AzureOpenAI", "baseURL": base.rstrip("/")}
    version = foreign_text(given, "api_version")
    if version and not ENVIRON.fullmatch(version):
        fields["azure"] = {"apiVersion": version}
    elif version:
        report.changed(f"{what}.litellm_params.api_version", "the v1 API, which needs none")
    identity = [name for name in ("azure_ad_token", "tenant_id", "client_id") if name in given]
    if identity and not foreign_text(given, "api_key"):
        whose = f"{what}.litellm_params.{identity[0]}"
        report.changed(whose, "no key: the identity of the pod: docs/configuration.md")
        key = ""
    return ForeignAccount("azure", fields, key, upstream)


def vertex_account(given: Values, upstream: str, report: ImportReport, what: str) -> ForeignAccount:
    """Return an account of Vertex AI: a credentials file as JSON, or the identity of the pod."""
    project = foreign_text(given, "vertex_project") or foreign_text(given, "vertex_ai_project")
    location = foreign_text(given, "vertex_location") or foreign_text(given, "vertex_ai_location")
    if ENVIRON.fullmatch(location):
        report.changed(f"{what}.litellm_params.vertex_location", "us-central1; say the right one")
        location = ""
    gcp = {"location": location or "us-central1"}
    if ENVIRON.fullmatch(project):
        how = "the project of its identity; say another one in gcp.project"
        report.changed(f"{what}.litellm_params.vertex_project", how)
    elif project:
        gcp["project"] = project
    credentials = foreign_text(given, "vertex_credentials") or foreign_text(
        given, "vertex_ai_credentials"
    )
    key = of_environ(credentials)
    if credentials and not credentials.startswith("{") and not ENVIRON.fullmatch(credentials):
        how = "put what is in the file into the variable VERTEX_CREDENTIALS, or into the Secret"
        report.changed(f"{what}.litellm_params.vertex_credentials", how)
        key = "${VERTEX_CREDENTIALS}"
    return ForeignAccount("vertex", {"type": "VertexAI", "gcp": gcp}, key, upstream)


def bedrock_account(
    given: Values, upstream: str, report: ImportReport, what: str
) -> ForeignAccount:
    """Return an account of Bedrock: keys, or the identity of the pod, perhaps in a role."""
    for route in ROUTES:
        upstream = upstream.removeprefix(route)
    named, slash, rest = upstream.partition("/")
    if slash and REGION.fullmatch(named):  # bedrock/REGION/MODEL
        upstream = rest
    region = foreign_text(given, "aws_region_name") or region_in(named)
    if not region or ENVIRON.fullmatch(region):
        report.changed(f"{what}.litellm_params.aws_region_name", "us-east-1; say the right one")
        region = "us-east-1"
    aws = {"region": region}
    role = foreign_text(given, "aws_role_name")
    if ENVIRON.fullmatch(role):
        report.changed(f"{what}.litellm_params.aws_role_name", "aws.roleARN is written out: add it")
    elif role:
        aws["roleARN"] = role
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    keys = {
        name: of_environ(foreign_text(given, name)) for name in names if foreign_text(given, name)
    }
    key = json.dumps(keys) if keys else ""
    if not keys and foreign_text(given, "api_key"):
        key = of_environ(foreign_text(given, "api_key"))
    return ForeignAccount("bedrock", {"type": "Bedrock", "aws": aws}, key, upstream)


def region_in(named: str) -> str:
    """Return the region that stands before a model, or in its ARN; empty for none."""
    parts = named.split(":")
    region = parts[3] if len(parts) > 4 and parts[0] == "arn" else named
    return region if REGION.fullmatch(region) else ""


def compatible_account(
    prefix: str, base: str, key: str, upstream: str, report: ImportReport, what: str
) -> ForeignAccount | None:
    """Return an account of a server that speaks OpenAI's API; None where its address is unknown."""
    url = base or (OLLAMA_AT if prefix in OLLAMA else COMPATIBLE.get(prefix, ""))
    if url and prefix in BELOW_V1:
        url = f"{url.rstrip('/').removesuffix('/chat/completions').removesuffix('/v1')}/v1"
    if not url:
        report.left_out(
            what, f"provider {prefix} is not known here, and no api_base says where it is"
        )
        return None
    if prefix not in PLAIN.keys() | COMPATIBLE.keys() | OWN_SERVERS | BELOW_V1:
        why = f"provider {prefix} is not known here: its api_base is asked by OpenAI's API"
        report.changed(what, f"{why}; say the root of that in baseURL")
    fields = {"type": "OpenAICompatible", "baseURL": url.rstrip("/")}
    return ForeignAccount(prefix, fields, key, upstream)
