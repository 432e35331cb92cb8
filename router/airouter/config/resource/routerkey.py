"""`RouterKey`, the resource by which a team asks for a key of a router, as pydantic models.

They mirror the CustomResourceDefinition, as those of a RouterConfig do. Whether a key is admitted
is for the grants of its RouterConfig to say: see `config/compile/grants.py`.
"""

import re
from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from airouter.config.resource.auth import Models
from airouter.config.resource.budget import MoneyBudget
from airouter.config.resource.credential import Limits
from airouter.config.resource.fields import Name, ObjectName, Part, duration, mistake

ROUTER_KEY_KIND = "RouterKey"

HOUR = 3600.0
YEAR = 365 * 24 * HOUR
TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

Lifetime = Annotated[float, duration(least=HOUR, most=YEAR)]
Overlap = Annotated[float, duration(least=0.0, most=YEAR)]


def check_time(text: object) -> float:
    """Return the Unix time of a moment as Kubernetes writes it (RFC 3339)."""
    fix = "use a time such as 2027-06-30T00:00:00Z"
    if not isinstance(text, str) or not TIME.fullmatch(text):
        raise mistake("is not a time", fix)
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError):
        raise mistake("is not a time", fix) from None


Moment = Annotated[
    float,
    BeforeValidator(check_time),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class RouterRef(Part):
    """A RouterConfig, whose grants decide."""

    name: ObjectName = Field(description="Name of the RouterConfig.")
    namespace: Name | None = Field(
        None, description="Namespace of the RouterConfig. Default: that of the RouterKey."
    )


class Rotation(Part):
    """The schedule by which a key is replaced."""

    every: Lifetime = Field(description="Age at which a key is replaced, 1h to 8760h.")
    overlap: Overlap | None = Field(
        None,
        description="Time for which the key before is good, too, at most that of every. "
        "Default: half of it.",
    )

    @model_validator(mode="after")
    def _overlap_fits(self) -> "Rotation":
        if self.overlap is not None and self.overlap > self.every:
            raise mistake("overlap is longer than every", "make overlap at most as long as every")
        return self


class RouterKeySpec(Part):
    """The declared content of a RouterKey."""

    router: RouterRef = Field(description="The RouterConfig that the key is for.")
    models: Models = Field(
        ["*"], description="Models for the key, of those that its grant allows. Default: all."
    )
    limits: Limits = Field(Limits(), description="Limits of the key. Default: those of its grant.")
    budget: MoneyBudget | None = Field(
        None,
        description="Money for the key, beside that which its grant allows each. Default: any.",
    )
    secret_name: ObjectName | None = Field(
        None, description="Secret that the key is written into. Default: the RouterKey's name."
    )
    rotation: Rotation | None = Field(None, description="Schedule of replacement. Default: never.")
    expires_at: Moment | None = Field(None, description="End of the key. Default: never.")
