"""Types of providers: one row for each, with all that is known without calling it.

The schema of a credential (`resource/`), what is compiled of it, and traces are read off these
rows; `airouter.providers` calls them. A type that speaks OpenAI's API needs nothing but a row. A
type that does not names its `adapter`, a class in a file of its own; `config` stands below those,
so the row has its name alone and `providers/registry.py` loads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from airouter.config.cloud_secrets import parse_aws_secret, parse_google_secret

if TYPE_CHECKING:
    from collections.abc import Callable

OfferedApi = Literal["chat", "completions", "embeddings", "images", "responses", "responses-ws"]
"""APIs that a credential can offer; `providers/binding.py` has those that clients ask for."""
BlockName = Literal["aws", "gcp", "azure", "mock"]

EVERYTHING: tuple[OfferedApi, ...] = ("chat", "completions", "embeddings", "images", "responses")


class SecretKind(NamedTuple):
    """A kind of secret that credentials have."""

    key: str = "api-key"
    """Its default key in a Secret."""
    parse: Callable[[str], object] | None = None
    """Raises `ValueError`, which names no value, for what cannot be one; None takes a plain key."""
    fix: str = ""
    """The remedy for one that cannot be parsed: a noun."""
    sample: str = ""
    """One of its form, where that is more than a key: of nobody."""
    ambient: bool = False
    """The machine may have an identity that serves in place of a secret."""


API_KEY = SecretKind()
GOOGLE_IDENTITY = SecretKind(
    "credentials.json",
    parse_google_secret,
    "a credentials file as JSON",
    '{"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}',
    ambient=True,
)
AWS_IDENTITY = SecretKind(
    "api-key", parse_aws_secret, "an API key, or access keys as JSON or lines", ambient=True
)


class OwnBlock(NamedTuple):
    """A field of a credential that belongs to some types alone."""

    name: BlockName
    required: str = ""
    """The least that must stand there, as YAML; empty where the block may be absent."""


@dataclass(frozen=True)
class ProviderType:
    """A row of the table: a type of provider."""

    name: str
    """The `type` of a credential."""
    trace_name: str
    """`gen_ai.provider.name` in traces, OpenTelemetry's own where it has one."""
    base_url: str | None = None
    """The root of the API, if it has one place."""
    finds_url: bool = False
    """The adapter tells the root by the credential. Without both, it must be declared."""
    takes_service: bool = False
    """Its servers may run in the cluster, as pods of a Service."""
    api: tuple[OfferedApi, ...] = ("chat", "embeddings")
    """Offered, unless a credential declares something else."""
    api_is_fixed: bool = False
    """No credential can declare something else."""
    secret: SecretKind = API_KEY
    block: OwnBlock | None = None
    prices: str = ""
    """Its id in `genai-prices`; without, it is found there by the base URL of a credential."""
    in_process: bool = False
    """Answers inside the process: fields about a network have no effect."""
    adapter: str = "airouter.providers.openai:OpenAICompatible"
    """Module and class of the `Provider` that calls it."""

    @property
    def needs_url(self) -> bool:
        """Say whether a credential must declare the root of the API."""
        return self.base_url is None and not self.finds_url


ProviderTypes = Mapping[str, ProviderType]

ROWS = (
    ProviderType(
        "OpenAI",
        trace_name="openai",
        prices="openai",
        base_url="https://api.openai.com/v1",
        takes_service=True,
        api=EVERYTHING,
        adapter="airouter.providers.openai:OpenAI",
    ),
    ProviderType(
        "AzureOpenAI",
        trace_name="azure.ai.openai",
        prices="azure",
        api=EVERYTHING,
        block=OwnBlock("azure"),
        adapter="airouter.providers.azure:AzureOpenAI",
    ),
    ProviderType("OpenAICompatible", trace_name="openai_compatible", takes_service=True),
    ProviderType(
        "Anthropic",
        trace_name="anthropic",
        prices="anthropic",
        base_url="https://api.anthropic.com",
        api=("chat",),
        api_is_fixed=True,
        adapter="airouter.providers.anthropic:Anthropic",
    ),
    ProviderType(
        "Gemini",
        trace_name="gcp.gemini",
        prices="google",
        base_url="https://generativelanguage.googleapis.com",
        api=("chat", "embeddings", "images"),
        api_is_fixed=True,
        adapter="airouter.providers.gemini:Gemini",
    ),
    ProviderType(
        "VertexAI",
        trace_name="gcp.vertex_ai",
        prices="google",
        finds_url=True,
        api=("chat", "embeddings", "images"),
        api_is_fixed=True,
        secret=GOOGLE_IDENTITY,
        block=OwnBlock("gcp"),
        adapter="airouter.providers.vertex:VertexAI",
    ),
    ProviderType(
        "Bedrock",
        trace_name="aws.bedrock",
        prices="aws",
        finds_url=True,
        api=("chat", "embeddings"),
        api_is_fixed=True,
        secret=AWS_IDENTITY,
        block=OwnBlock("aws", required="{region: us-east-1}"),
        adapter="airouter.providers.bedrock:Bedrock",
    ),
    ProviderType(
        "Router",
        trace_name="airouter",
        takes_service=True,
        api=EVERYTHING,
        adapter="airouter.providers.router:AutoAIRouter",
    ),
    ProviderType(
        "Mock",
        trace_name="mock",
        base_url="mock:///v1",
        api=("chat", "completions", "embeddings"),
        block=OwnBlock("mock"),
        in_process=True,
        adapter="airouter.providers.mock.provider:MockProvider",
    ),
)

PROVIDER_TYPES: ProviderTypes = {row.name: row for row in ROWS}


def owners_of(block: str, types: ProviderTypes) -> list[str]:
    """Return the types that have a block."""
    return [row.name for row in types.values() if row.block and row.block.name == block]
