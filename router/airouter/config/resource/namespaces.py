"""Namespaces, as grants and ServiceAccounts name them."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from airouter.config.providers import ProviderTypes
from airouter.config.resource.fields import BrokenRule, Labels, Name, Part, unique


class Namespaces(Part):
    """Namespaces, by their names or by their labels."""

    names: Annotated[list[Name], Field(min_length=1, max_length=256), unique()] | None = Field(
        None, description="Names, 1 to 256."
    )
    match_labels: Annotated[Labels, Field(min_length=1)] | None = Field(
        None, description="Labels and their values, all of which a namespace must have, 1 to 16."
    )

    @classmethod
    def broken_rules(cls, given: dict[str, Any], _: ProviderTypes) -> Iterator[BrokenRule]:
        """Require exactly one of names and matchLabels."""
        if "names" in given and "matchLabels" in given:
            yield "matchLabels", "cannot be combined with names", "keep one of the two"
        if "names" not in given and "matchLabels" not in given:
            yield "names", "is required", "set names, or matchLabels"
