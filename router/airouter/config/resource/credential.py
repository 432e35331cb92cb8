"""`spec.credentials`: the accounts at providers, with their address and identity."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from airouter.config.mock_reply import GRAMMAR, parse_mock_reply
from airouter.config.providers import (
    PROVIDER_TYPES,
    BlockName,
    OfferedApi,
    ProviderTypes,
    owners_of,
)
from airouter.config.resource.bans import Fail2banOverride
from airouter.config.resource.fields import (
    BrokenRule,
    DataKey,
    ErrorStatus,
    Labels,
    Line,
    Name,
    ObjectName,
    Part,
    Pause,
    Percent,
    Positive,
    Priority,
    Timeout,
    Weight,
    mistake,
    types_in,
    unique,
)
from airouter.config.resource.http import BaseURL, HeaderName, HeaderValue
from airouter.config.resource.service import InferencePool, Service

BLOCKS = get_args(BlockName)
IN_CLUSTER = ("service", "inferencePool")
"""Fields that say where pods are, in place of baseURL."""


def check_type(given: object, info: ValidationInfo) -> object:
    """Return a type that there is a row for. Raises for any other."""
    types = types_in(info)
    if given not in tuple(types):
        raise mistake("is not a known value", f"use one of: {', '.join(types)}")
    return given


CredentialType = Annotated[
    str,
    BeforeValidator(check_type),
    WithJsonSchema({"type": "string", "enum": list(PROVIDER_TYPES)}),
]


def check_reply(reply: str) -> str:
    """Validate a reply by the grammar of `mock_reply.py`."""
    try:
        parse_mock_reply(reply)
    except ValueError:
        raise mistake("is not a Mock reply", f"use one of: {GRAMMAR}") from None
    return reply


class SecretRef(Part):
    """A key of a Secret in the same namespace."""

    name: ObjectName = Field(description="Name of the Secret.")
    key: DataKey | None = Field(
        None,
        description="Key inside the Secret. Its default depends on the field with the reference.",
    )


class Limits(Part):
    """Ceilings. An absent one is unlimited."""

    rpm: Positive | None = Field(None, description="Requests per minute.")
    tpm: Positive | None = Field(None, description="Tokens per minute, in and out.")
    max_concurrent: Positive | None = Field(None, description="Requests at the same time.")


class Timeouts(Part):
    """Limits on the duration of one attempt."""

    connect: Timeout = Field(5.0, description="To connect, TLS included. Default 5s.")
    first_byte: Timeout = Field(
        60.0, description="From the request to the first byte of a stream. Default 60s."
    )
    first_token: Timeout | None = Field(
        None,
        description="From the request to the first event of a stream that says something; pings "
        "do not count. Default: none. 10s suits models with fallbacks.",
    )
    idle: Timeout = Field(120.0, description="Between two pieces of an answer. Default 120s.")
    total: Timeout = Field(600.0, description="For the whole attempt. Default 600s.")

    @model_validator(mode="after")
    def _connect_fits(self) -> "Timeouts":
        if self.connect > self.total:
            raise mistake("connect is longer than total", "make connect at most as long as total")
        return self


class TLS(Part):
    """Verification of the upstream's certificate, which cannot be switched off."""

    ca_secret_ref: SecretRef | None = Field(
        None,
        description="PEM certificates that are trusted instead of the system's. "
        "Default key: ca.crt.",
    )
    server_name: ObjectName | None = Field(
        None, description="Name in the certificate and in SNI. Default: the host of baseURL."
    )


class Header(Part):
    """A header that every request to this upstream carries."""

    name: HeaderName = Field(description="Name of the header, in any case.")
    value: HeaderValue = Field(description="Its value. Not for secrets.")


class AWS(Part):
    """The region in which Bedrock is called, and the role to assume."""

    region: Name = Field(description="AWS region, such as us-east-1.")
    role_arn: Line | None = Field(
        None, alias="roleARN", description="Role to assume. Default: the ambient identity."
    )


class GCP(Part):
    """The location and project in which Vertex AI is called."""

    location: Name = Field(
        "global", description="Location, such as global or europe-west4. Default global."
    )
    project: Line | None = Field(None, description="Project. Default: the identity's own.")


class Azure(Part):
    """The version of Azure OpenAI's API."""

    api_version: Line | None = Field(
        None, description="Value of api-version. Default: the v1 API, which needs none."
    )


class Mock(Part):
    """The answers of the built-in upstream, which needs no network and no key."""

    reply: Annotated[str, Field(max_length=4096), AfterValidator(check_reply)] = Field(
        "echo",
        description="echo, text:<text>, tool:<function> <JSON object> or tokens:<N>, perhaps after "
        "a first line reasoning:<text>. Default echo.",
    )
    tokens_per_second: Annotated[float, Field(gt=0, le=1_000_000)] | None = Field(
        None, description="Pace of a stream. Default: as fast as possible."
    )
    latency: Pause = Field(0.0, description="Wait before the first byte. Default 0s.")
    error_percent: Percent = Field(
        0.0, description="Share of requests that fail, 0 to 100. Default 0."
    )
    error_status: ErrorStatus = Field(500, description="Status of a failure. Default 500.")


class Credential(Part):
    """An account at an upstream."""

    name: Name = Field(
        description="Identity of the credential, also in metrics; limits and bans are kept by it."
    )
    type: CredentialType = Field(
        description="Kind of upstream, such as OpenAI, OpenAICompatible, Router or Mock."
    )
    base_url: BaseURL | None = Field(
        None,
        alias="baseURL",
        description="Root of the API, as the provider's own SDK takes it. Required for "
        "AzureOpenAI, OpenAICompatible and Router; else it defaults to the provider's own.",
    )
    service: Service | None = Field(
        None,
        description="A Service in the cluster, in place of baseURL. Only for OpenAI, "
        "OpenAICompatible and Router.",
    )
    inference_pool: InferencePool | None = Field(
        None,
        description="An InferencePool of the Gateway API in the cluster, in place of baseURL. Only "
        "for OpenAI, OpenAICompatible and Router; needs the operator.",
    )
    suspended: bool = Field(False, description="Take it out of use at once. Default false.")
    secret_ref: SecretRef | None = Field(
        None,
        description="The key. Default key in the Secret: api-key, for VertexAI credentials.json. "
        "Absent: ambient identity where the type has one, else none.",
    )
    labels: Labels = Field({}, description="For selectors, at most 16. Default none.")
    limits: Limits = Field(Limits(), description="Limits of this account. Default none.")
    fail2ban: Fail2banOverride | None = Field(
        None, alias="fail2ban", description="Bans. Default: as resilience.fail2ban."
    )
    priority: Priority = Field(
        0,
        description="Lower is tried first, 0 to 1000; decides where backends have the same "
        "priority. Default 0.",
    )
    weight: Weight = Field(
        1, description="Share inside a priority, 0 to 1000; 0 drains the credential. Default 1."
    )
    timeouts: Timeouts = Field(Timeouts(), description="Limits on the duration of one attempt.")
    tls: TLS = Field(TLS(), description="Verification of the certificate. Needs https.")
    headers: Annotated[list[Header], Field(max_length=32), unique(lambda h: h.name)] = Field(
        [], description="Further request headers, at most 32. Default none."
    )
    aws: AWS | None = Field(None, description="Only for type Bedrock.")
    gcp: GCP | None = Field(None, description="Only for type VertexAI.")
    azure: Azure | None = Field(None, description="Only for type AzureOpenAI.")
    api: Annotated[list[OfferedApi], Field(min_length=1, max_length=6), unique()] | None = Field(
        None,
        description="APIs that the upstream offers. Default: chat and embeddings for "
        "OpenAICompatible; all but responses-ws for OpenAI and Router; chat, completions and "
        "embeddings for Mock.",
    )
    mock: Mock | None = Field(None, description="Only for type Mock.")

    @classmethod
    def broken_rules(cls, given: dict[str, Any], types: ProviderTypes) -> Iterator[BrokenRule]:
        """Check the fields that only some types have, and those that some types need."""
        type_, url, service = (given.get(name) for name in ("type", "baseURL", "service"))
        in_cluster = [name for name in IN_CLUSTER if given.get(name) is not None]
        for block in BLOCKS:
            owners = owners_of(block, types)
            if block in given and type_ not in owners:
                yield block, f"is for type {' or '.join(owners)} only", f"remove {block}"
        row = types.get(type_) if isinstance(type_, str) else None
        for name in in_cluster:
            other = "baseURL" if url is not None else in_cluster[0]
            if other != name:
                yield name, f"stands in place of {other}", "remove one of the two"
            if row and not row.takes_service:
                takers = " or ".join(each.name for each in types.values() if each.takes_service)
                yield name, f"is for type {takers} only", f"remove {name}"
        if row and row.needs_url and url is None and not in_cluster:
            yield "baseURL", f"is required for type {type_}", "set the root of the upstream's API"
        if row and row.api_is_fixed and "api" in given:
            yield "api", f"is fixed for type {type_}", "remove api"
        plain = isinstance(url, str) and url.lower().startswith("http://")
        pooled = "inferencePool" in in_cluster
        if given.get("tls") and (plain or pooled or asks_without_tls(service)):
            yield "tls", "has no effect without TLS", "use https"


def asks_without_tls(service: object) -> bool:
    """Return whether a Service, as it is given, is said to be asked without TLS."""
    return isinstance(service, dict) and service.get("scheme") == "http"
