"""`spec.auth`: the keys that may ask, and the grants by which teams get keys of their own."""

from typing import Annotated, Literal

from pydantic import Field

from airouter.config.resource.budget import MoneyBudget
from airouter.config.resource.credential import Limits, SecretRef
from airouter.config.resource.fields import ModelGlob, Name, Part, Pause, unique
from airouter.config.resource.identities import JwtClients, ServiceAccountClients
from airouter.config.resource.namespaces import Namespaces

Models = Annotated[list[ModelGlob], Field(min_length=1, max_length=64), unique()]


class MasterKey(Part):
    """The key that may ask for everything."""

    secret_ref: SecretRef = Field(description="The key. Default key in the Secret: api-key.")


class ModelLimits(Part):
    """Limits of a client's use of some models."""

    models: ModelGlob = Field(description="The models together, as a pattern.")
    limits: Limits = Field(description="Limits of this client there.")


class Client(Part):
    """A client: its key and the models that it may use."""

    name: Name = Field(description="Identity of the client, also in metrics and logs.")
    secret_ref: SecretRef = Field(
        description="The client's key. Default key in the Secret: api-key."
    )
    models: Models = Field(
        ["*"], description="Models for the client, as patterns, 1 to 64. Default: all."
    )
    limits: Limits = Field(Limits(), description="Limits of this client. Default none.")
    budget: MoneyBudget | None = Field(None, description="Money for this client. Default: any.")
    model_limits: Annotated[
        list[ModelLimits], Field(max_length=16), unique(lambda entry: entry.models)
    ] = Field([], description="Limits of its use of some models, at most 16. Default none.")
    groups: Annotated[list[Name], Field(max_length=8), unique()] = Field(
        [], description="Names of groups whose limits bind it too, at most 8. Default none."
    )
    priority: Literal["Interactive", "Batch"] = Field(
        "Interactive",
        description="Batch waits where a limit has no room, in place of a 429, and leaves the last "
        "tenth of shared limits to others. Default Interactive.",
    )


class Group(Part):
    """Limits and a budget that several clients have in common."""

    name: Name = Field(description="Identity of the group.")
    limits: Limits = Field(description="Limits of all its clients together.")
    budget: MoneyBudget | None = Field(
        None, description="Money for all its clients together. Default: any."
    )


class BatchQueue(Part):
    """Bounds of the requests that wait for room."""

    length: Annotated[int, Field(ge=0, le=10_000)] = Field(
        100, description="Requests that may wait in a pod, 0 to 10000. Default 100."
    )
    max_wait: Pause = Field(60.0, description="Longest wait. Default 1m.")


class Allowance(Part):
    """The ceilings of one key of a grant, or of all its keys together."""

    limits: Limits = Field(Limits(), description="Limits. Default none.")
    budget: MoneyBudget | None = Field(None, description="Money. Default: any.")


class KeyGrant(Part):
    """A permission for the RouterKeys of some namespaces."""

    name: Name = Field(description="Identity of the grant, also in conditions and metrics.")
    namespaces: Namespaces = Field(description="Namespaces whose RouterKeys it is for.")
    models: Models = Field(
        ["*"],
        description="Models that such a key may ask for at most, as patterns, 1 to 64. "
        "Default: all.",
    )
    each: Allowance = Field(Allowance(), description="Ceilings of each key. Default none.")
    together: Allowance = Field(
        Allowance(), description="Ceilings of all keys of this grant together. Default none."
    )


class Auth(Part):
    """The keys that may ask."""

    master_key: MasterKey | None = Field(None, description="A key for everything. Default none.")
    clients: Annotated[list[Client], Field(max_length=1024)] = Field(
        [], description="Keys by name, at most 1024. Default none."
    )
    groups: Annotated[list[Group], Field(max_length=256), unique(lambda group: group.name)] = Field(
        [], description="Limits that clients share, by name, at most 256. Default none."
    )
    batch_queue: BatchQueue = Field(
        BatchQueue(), description="Requests of clients of priority Batch that wait for room."
    )
    grants: Annotated[list[KeyGrant], Field(max_length=256)] = Field(
        [],
        description="Permissions for RouterKeys, by name, at most 256; of several for a namespace "
        "the first one counts that allows a model of the key. Default none.",
    )
    service_accounts: Annotated[list[ServiceAccountClients], Field(max_length=256)] = Field(
        [],
        description="ServiceAccounts that ask by a token of the cluster, by name, at most 256; of "
        "several rules the first one counts that a token meets. Default none.",
    )
    jwt: Annotated[list[JwtClients], Field(max_length=64)] = Field(
        [],
        description="Issuers whose tokens are good, by name, at most 64; of several rules the "
        "first one counts that a token meets. Default none.",
    )
    anonymous: Literal["Deny", "Allow"] = Field(
        "Deny", description="Requests without a known key. Default Deny."
    )
