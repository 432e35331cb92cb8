"""`spec.auth.serviceAccounts` and `spec.auth.jwt`: clients that show a token in place of a key."""

from typing import Annotated

from pydantic import Field

from airouter.config.resource.budget import MoneyBudget
from airouter.config.resource.credential import Limits, SecretRef
from airouter.config.resource.fields import ModelGlob, Name, Part, matching, unique
from airouter.config.resource.namespaces import Namespaces

AccountGlob = Annotated[
    str,
    matching(
        r"[a-z0-9.*?\[\]!-]{1,253}",
        "is not a pattern of names of ServiceAccounts",
        "use a name, in which * ? and [...] are wildcards, such as batch-*",
    ),
]
Audience = Annotated[
    str,
    matching(
        r"[!-~]{1,253}",
        "is not an audience",
        "use 1 to 253 visible ASCII characters, no spaces",
    ),
]
Issuer = Annotated[
    str,
    matching(
        r"[!-~]{1,512}",
        "is not an issuer",
        "use the iss of its tokens, such as https://login.example.com",
    ),
]
ClaimName = Annotated[
    str,
    matching(
        r"[!-~]{1,128}",
        "is not the name of a claim",
        "use the name of a claim that is a string, such as sub or client_id",
    ),
]
TokenModels = Annotated[list[ModelGlob], Field(min_length=1, max_length=64), unique()]
TokenGroups = Annotated[list[Name], Field(max_length=8), unique()]


class ServiceAccountClients(Part):
    """ServiceAccounts of the cluster, each a client of its own."""

    name: Name = Field(description="Identity of this rule.")
    namespaces: Namespaces = Field(description="Namespaces of the ServiceAccounts.")
    names: Annotated[list[AccountGlob], Field(min_length=1, max_length=64), unique()] = Field(
        ["*"], description="Names of ServiceAccounts, as patterns, 1 to 64. Default: all."
    )
    audience: Audience = Field(
        "airouter", description="Audience that their tokens must be for. Default airouter."
    )
    models: TokenModels = Field(
        ["*"], description="Models for them, as patterns, 1 to 64. Default: all."
    )
    limits: Limits = Field(Limits(), description="Limits of each of them. Default none.")
    budget: MoneyBudget | None = Field(None, description="Money for each of them. Default: any.")
    groups: TokenGroups = Field(
        [], description="Names of groups that all of them are in, at most 8. Default none."
    )


class JwtClients(Part):
    """Holders of tokens of an issuer, each a client of its own."""

    name: Name = Field(description="Identity of this rule.")
    issuer: Issuer = Field(description="Issuer of the tokens, exactly as their iss.")
    audiences: Annotated[list[Audience], Field(min_length=1, max_length=16), unique()] = Field(
        description="Audiences, one of which a token must be for, 1 to 16."
    )
    jwks_secret_ref: SecretRef = Field(
        description="The issuer's public keys, as a JWK set. Default key in the Secret: jwks.json."
    )
    client_claim: ClaimName = Field(
        "sub", description="Claim whose value is the client. Default sub."
    )
    models: TokenModels = Field(
        ["*"], description="Models for them, as patterns, 1 to 64. Default: all."
    )
    limits: Limits = Field(Limits(), description="Limits of each of them. Default none.")
    budget: MoneyBudget | None = Field(None, description="Money for each of them. Default: any.")
    groups: TokenGroups = Field(
        [], description="Names of groups that all of them are in, at most 8. Default none."
    )
