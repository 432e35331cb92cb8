"""`RouterConfig`, the resource that declares what a router serves, as pydantic models.

They mirror the CustomResourceDefinition: same names, bounds and rules. What one object can get
wrong on its own is checked here; what needs other objects is checked in `compile`. `loader.py`
makes these models of a document.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from airouter.config.providers import ProviderTypes
from airouter.config.resource.auth import Auth, Client, KeyGrant
from airouter.config.resource.bans import Fail2ban, Fail2banOverride
from airouter.config.resource.budget import MoneyBudget
from airouter.config.resource.credential import Credential, Limits, SecretRef
from airouter.config.resource.fields import BrokenRule, DataKey, ObjectName, Part
from airouter.config.resource.model import Backend, CredentialSelector, Model
from airouter.config.resource.policies import (
    Cors,
    Http,
    Ledger,
    Redis,
    Resilience,
    Responses,
    Retries,
    Sessions,
    Stickiness,
    Telemetry,
    Traces,
)
from airouter.config.resource.price import Prices, Pricing
from airouter.config.resource.routerkey import RouterKeySpec
from airouter.config.resource.service import InferencePool, Service

__all__ = [
    "API_VERSION",
    "KIND",
    "Auth",
    "Backend",
    "Client",
    "Cors",
    "Credential",
    "CredentialSelector",
    "Fail2ban",
    "Fail2banOverride",
    "Http",
    "InferencePool",
    "KeyGrant",
    "Ledger",
    "Limits",
    "Model",
    "MoneyBudget",
    "Prices",
    "Redis",
    "Resilience",
    "Responses",
    "Retries",
    "RouterConfig",
    "RouterKey",
    "Secret",
    "SecretRef",
    "Service",
    "Spec",
    "Stickiness",
    "Traces",
]

API_VERSION = "airouter.dev/v1alpha1"
KIND = "RouterConfig"
LONGEST_NAME = 253 - len("-snapshot")


class ObjectMetadata(Part):
    """ObjectMetadata of a Kubernetes object; only the name matters here."""

    model_config = ConfigDict(extra="ignore")

    name: ObjectName = Field(description="Name of the object.")
    namespace: ObjectName | None = Field(None, description="Namespace of the object.")


class Spec(Part):
    """The declared content of a RouterConfig."""

    credentials: Annotated[list[Credential], Field(max_length=256)] = Field(
        [], description="Accounts at providers, by name, at most 256."
    )
    models: Annotated[list[Model], Field(max_length=1024)] = Field(
        [], description="Models that clients may ask for, by name, at most 1024."
    )
    auth: Auth = Field(Auth(), description="Keys of clients.")
    resilience: Resilience = Field(Resilience(), description="Policies for failures.")
    sessions: Sessions = Field(Sessions(), description="Conversations of several requests.")
    responses: Responses | None = Field(None, description="State of the Responses API.")
    redis: Redis | None = Field(None, description="Redis that replicas share. Default none.")
    ledger: Ledger = Field(Ledger(), description="Where limits of replicas meet.")
    http: Http = Field(Http(), description="HTTP as clients see it.")
    pricing: Pricing = Field(Pricing(), description="Requests whose price is not known.")
    telemetry: Telemetry = Field(Telemetry(), description="Telemetry about requests.")

    @classmethod
    def broken_rules(cls, given: dict[str, Any], _: ProviderTypes) -> Iterator[BrokenRule]:
        """Require `spec.redis` for what is in Redis: stored responses, the ledger of limits."""
        responses = given.get("responses")
        storage = responses.get("storage") if isinstance(responses, dict) else None
        type_ = storage.get("type") if isinstance(storage, dict) else None
        if type_ == "Redis" and "redis" not in given:
            yield (
                "redis",
                "is required for responses.storage of type Redis",
                "set redis.urlSecretRef",
            )
        ledger = given.get("ledger")
        type_ = ledger.get("type") if isinstance(ledger, dict) else None
        if type_ == "Redis" and "redis" not in given:
            yield "redis", "is required for a ledger of type Redis", "set redis.urlSecretRef"


class RouterConfig(Part):
    """The resource that declares all that a router serves."""

    api_version: Literal["airouter.dev/v1alpha1"] = Field(description="Version of the API.")
    kind: Literal["RouterConfig"] = Field(description="Kind of the object.")
    metadata: ObjectMetadata = Field(description="Name and namespace.")
    spec: Spec = Field(description="The configuration that a router serves.")
    status: dict[str, Any] = Field({}, description="Written by the operator, not read here.")

    @classmethod
    def broken_rules(cls, given: dict[str, Any], _: ProviderTypes) -> Iterator[BrokenRule]:
        """Limit the name: the operator publishes in a Secret named `<name>-snapshot`."""
        metadata = given.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if isinstance(name, str) and len(name) > LONGEST_NAME:
            yield (
                "metadata",
                "has a name that is too long",
                f"use at most {LONGEST_NAME} characters",
            )


class RouterKey(Part):
    """A RouterKey, as it may stand beside a RouterConfig in a file."""

    api_version: Literal["airouter.dev/v1alpha1"] = Field(description="Version of the API.")
    kind: Literal["RouterKey"] = Field(description="Kind of the object.")
    metadata: ObjectMetadata = Field(description="Name and namespace.")
    spec: RouterKeySpec = Field(description="The key that a team asks for.")
    status: dict[str, Any] = Field({}, description="Written by the operator, not read here.")


class Secret(Part):
    """A core/v1 Secret, as it may stand beside a RouterConfig in a file."""

    api_version: Literal["v1"] = Field(description="Version of the API.")
    kind: Literal["Secret"] = Field(description="Kind of the object.")
    metadata: ObjectMetadata = Field(description="Name and namespace.")
    type: str = Field("Opaque", description="Kind of Secret, not read here.")
    immutable: bool = Field(False, description="Protection from changes, not read here.")
    data: dict[DataKey, str] = Field({}, repr=False, description="Values in base64.")
    string_data: dict[DataKey, str] = Field(
        {}, repr=False, description="Values as text; wins over data."
    )
