"""Providers as their own SDKs know them: by variables of the environment, with a few models each.

`init` writes a file for those whose variable is set.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

Environ = Mapping[str, str]

PLACEHOLDER = "RESOURCE"
"""The resource of Azure OpenAI, where the environment has none."""


def no_lines(environ: Environ) -> Iterator[str]:  # noqa: ARG001 - as its siblings
    """Yield nothing: a type and a key are all that it takes."""
    yield from ()


def openai_lines(environ: Environ) -> Iterator[str]:
    """Yield the base URL of OpenAI's SDK, where it is not OpenAI's own."""
    if url := environ.get("OPENAI_BASE_URL"):
        yield f"baseURL: {json.dumps(url)}  # OPENAI_BASE_URL"


def anthropic_lines(environ: Environ) -> Iterator[str]:
    """Yield the base URL of Anthropic's SDK, where it is not Anthropic's own."""
    if url := environ.get("ANTHROPIC_BASE_URL"):
        yield f"baseURL: {json.dumps(url)}  # ANTHROPIC_BASE_URL"


def azure_lines(environ: Environ) -> Iterator[str]:
    """Yield the resource of Azure OpenAI, or a place to write it."""
    if url := environ.get("AZURE_OPENAI_ENDPOINT"):
        yield f"baseURL: {json.dumps(url)}  # AZURE_OPENAI_ENDPOINT"
    else:
        yield f'baseURL: "https://{PLACEHOLDER}.openai.azure.com"  # write the name of yours'


def vertex_lines(environ: Environ) -> Iterator[str]:
    """Yield the project and the location of Vertex AI."""
    location = environ.get("GOOGLE_CLOUD_LOCATION", "global")
    project = environ.get("GOOGLE_CLOUD_PROJECT")
    yield f"gcp: {{location: {location}{f', project: {project}' if project else ''}}}"


def bedrock_lines(environ: Environ) -> Iterator[str]:
    """Yield the region of Bedrock."""
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    yield f"aws: {{region: {region}}}"


def at(url: str) -> Callable[[Environ], Iterator[str]]:
    """Return what yields a base URL that is always the same."""

    def lines(environ: Environ) -> Iterator[str]:  # noqa: ARG001 - as its siblings
        yield f"baseURL: {url}"

    return lines


@dataclass(frozen=True)
class KnownProvider:
    """A provider: the name of its credential, and what its row of a file has."""

    name: str
    title: str
    type: str
    variables: tuple[str, ...]
    """Variables that hold its key, the first one that is set."""
    models: Mapping[str, str] = field(default_factory=dict)
    """Public name to upstream name."""
    lines_in: Callable[[Environ], Iterator[str]] = no_lines
    has_secret: bool = True
    """False where the machine's identity is used."""

    def variable_in(self, environ: Environ) -> str:
        """Return the variable that is set; empty for none."""
        return next((name for name in self.variables if environ.get(name)), "")

    def type_in(self, environ: Environ) -> str:
        """Return the type: what is behind another base URL speaks OpenAI's chats at least."""
        other = self.type == "OpenAI" and environ.get("OPENAI_BASE_URL")
        return "OpenAICompatible" if other else self.type


def same(*names: str) -> dict[str, str]:
    """Return models whose public names are the provider's."""
    return {name: name for name in names}


KNOWN_PROVIDERS = (
    KnownProvider(
        "openai",
        "OpenAI",
        "OpenAI",
        ("OPENAI_API_KEY",),
        same("gpt-4o", "gpt-4o-mini"),
        openai_lines,
    ),
    KnownProvider(
        "anthropic",
        "Anthropic",
        "Anthropic",
        ("ANTHROPIC_API_KEY",),
        same("claude-sonnet-4-5", "claude-haiku-4-5"),
        anthropic_lines,
    ),
    KnownProvider(
        "gemini",
        "Gemini",
        "Gemini",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        same("gemini-2.5-pro", "gemini-2.5-flash"),
    ),
    KnownProvider(
        "azure",
        "Azure OpenAI",
        "AzureOpenAI",
        ("AZURE_OPENAI_API_KEY",),
        {"azure-gpt-4o": "gpt-4o"},
        azure_lines,
    ),
    KnownProvider(
        "vertex",
        "Vertex AI",
        "VertexAI",
        ("GOOGLE_APPLICATION_CREDENTIALS",),
        {"vertex-gemini-2.5-flash": "gemini-2.5-flash"},
        vertex_lines,
        has_secret=False,
    ),
    KnownProvider(
        "bedrock",
        "Bedrock",
        "Bedrock",
        ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"),
        {"bedrock-claude-sonnet": "us.anthropic.claude-sonnet-4-5-20250929-v1:0"},
        bedrock_lines,
        has_secret=False,
    ),
    KnownProvider(
        "openrouter",
        "OpenRouter",
        "OpenAICompatible",
        ("OPENROUTER_API_KEY",),
        same("openai/gpt-4o-mini"),
        at("https://openrouter.ai/api/v1"),
    ),
    KnownProvider(
        "groq",
        "Groq",
        "OpenAICompatible",
        ("GROQ_API_KEY",),
        same("llama-3.3-70b-versatile"),
        at("https://api.groq.com/openai/v1"),
    ),
    KnownProvider(
        "mistral",
        "Mistral",
        "OpenAICompatible",
        ("MISTRAL_API_KEY",),
        same("mistral-large-latest"),
        at("https://api.mistral.ai/v1"),
    ),
    KnownProvider(
        "deepseek",
        "DeepSeek",
        "OpenAICompatible",
        ("DEEPSEEK_API_KEY",),
        same("deepseek-chat"),
        at("https://api.deepseek.com/v1"),
    ),
    KnownProvider(
        "together",
        "Together",
        "OpenAICompatible",
        ("TOGETHER_API_KEY",),
        same("meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        at("https://api.together.xyz/v1"),
    ),
    KnownProvider(
        "xai",
        "xAI",
        "OpenAICompatible",
        ("XAI_API_KEY",),
        same("grok-4"),
        at("https://api.x.ai/v1"),
    ),
)
