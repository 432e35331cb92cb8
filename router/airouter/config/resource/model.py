"""`spec.models`: the names that clients may ask for, and the backends that answer."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator, Field

from airouter.config.providers import ProviderTypes
from airouter.config.resource.credential import Limits
from airouter.config.resource.fields import (
    BrokenRule,
    Labels,
    Line,
    ModelName,
    Name,
    Part,
    Positive,
    Priority,
    UpstreamName,
    Weight,
    mistake,
    unique,
)
from airouter.config.resource.price import Prices

ROUTED = frozenset({"model", "stream"})
"""Fields of a request that the router needs as the client sent them."""
LARGEST_PARAMETERS = 16_384


def check_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Validate fields to put into a request: JSON, not too large, none that the router sets."""
    if reserved := spelled_in_any_case(fields, ROUTED | {"stream_options"}):
        raise mistake(
            f"sets {', '.join(reserved)}, which the router sets itself", "use other fields"
        )
    try:
        size = len(msgspec.json.encode(fields))
    except (TypeError, ValueError, RecursionError):
        raise mistake("is not JSON", "use strings, numbers, booleans, lists and mappings") from None
    if size > LARGEST_PARAMETERS:
        raise mistake("is too large", f"use at most {LARGEST_PARAMETERS} bytes of JSON")
    return fields


def spelled_in_any_case(names: Iterable[str], reserved: AbstractSet[str]) -> list[str]:
    """Return the names that some provider takes for a reserved one, sorted."""
    return sorted(name for name in names if name.casefold() in reserved)


def check_drop(names: list[str]) -> list[str]:
    """Validate fields to take out of a request."""
    if reserved := spelled_in_any_case(names, ROUTED):
        raise mistake(
            f"drops {', '.join(reserved)}, which every request needs", "drop other fields"
        )
    return names


Fields = Annotated[dict[Line, Any], Field(max_length=64), AfterValidator(check_fields)]


class CredentialSelector(Part):
    """A selector of all credentials that have these labels."""

    match_labels: Annotated[Labels, Field(min_length=1)] = Field(
        description="Labels and their values, 1 to 16."
    )


class Backend(Part):
    """A backend of a model: a credential, or all that a selector matches."""

    credential: Name | None = Field(None, description="Name of a credential.")
    credential_selector: CredentialSelector | None = Field(
        None, description="Instead of a name: credentials by their labels."
    )
    upstream_name: UpstreamName | None = Field(
        None, description="The model's name at the upstream. Default: its name here."
    )
    weight: Weight = Field(
        1, description="Share inside a priority, times the credential's; 0 drains it. Default 1."
    )
    priority: Priority = Field(0, description="Lower is tried first, 0 to 1000. Default 0.")
    limits: Limits = Field(
        Limits(), description="Limits of this name of a model at each credential. Default none."
    )
    price: Prices | None = Field(
        None, description="Its own price, in place of the whole of metadata.price."
    )

    @classmethod
    def broken_rules(cls, given: dict[str, Any], _: ProviderTypes) -> Iterator[BrokenRule]:
        """Require exactly one of credential and credentialSelector."""
        if "credential" in given and "credentialSelector" in given:
            yield "credentialSelector", "cannot be combined with credential", "keep one of the two"
        if "credential" not in given and "credentialSelector" not in given:
            yield "credential", "is required", "set the name of a credential, or credentialSelector"


class Parameters(Part):
    """Changes to the top-level fields of a request."""

    defaults: Fields = Field({}, description="Set unless the client sent them. Default none.")
    override: Fields = Field({}, description="Set whatever the client sent. Default none.")
    drop: Annotated[list[Line], Field(max_length=64), unique(), AfterValidator(check_drop)] = Field(
        [], description="Removed, after the others are set; tools.TYPE are tools. Default none."
    )


class ModelMetadata(Part):
    """Facts about a model that do not decide how it is reached."""

    context_window: Positive | None = Field(None, description="Tokens it can read.")
    max_output_tokens: Positive | None = Field(None, description="Tokens it can write.")
    owned_by: Line | None = Field(None, description="owned_by in /v1/models. Default: airouter.")
    price: Prices = Field(
        Prices(), description="The price. Default: as published, where that is known."
    )


class Compaction(Part):
    """Compaction of long conversations with a model."""

    instructions: Annotated[str, Field(min_length=1, max_length=8192)] | None = Field(
        None,
        description="Instructions for summaries, 1 to 8192 characters. Default: the "
        "router's own wording.",
    )


class Model(Part):
    """A name that clients may ask for."""

    name: ModelName = Field(description="Public name.")
    aliases: Annotated[list[ModelName], Field(max_length=16), unique()] = Field(
        [], description="Further names, accepted but not listed, at most 16. Default none."
    )
    backends: Annotated[list[Backend], Field(min_length=1, max_length=32)] = Field(
        description="Backends that answer for the model, 1 to 32."
    )
    limits: Limits = Field(Limits(), description="Limits of this model. Default none.")
    fallbacks: Annotated[list[ModelName], Field(max_length=8), unique()] = Field(
        [],
        description="Models that are tried in order when no backend of this one can answer, at "
        "most 8; their own fallbacks are not followed. They may answer a key that may not ask for "
        "them by name. Default none.",
    )
    parameters: Parameters = Field(Parameters(), description="Changes to requests.")
    metadata: ModelMetadata = Field(ModelMetadata(), description="Facts about the model.")
    compaction: Compaction = Field(Compaction(), description="Compaction of long conversations.")
