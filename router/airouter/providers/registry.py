"""The providers of a router, by the `type` of a credential: a row each, and the class it names."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING

from airouter.config.providers import PROVIDER_TYPES
from airouter.providers.base import Provider

if TYPE_CHECKING:
    from airouter.config.providers import ProviderType, ProviderTypes


def load_providers(types: ProviderTypes = PROVIDER_TYPES) -> dict[str, Provider]:
    """Build the providers of some types. Raises `TypeError` for an adapter that is none."""
    return {name: load_provider(row) for name, row in types.items()}


def load_provider(row: ProviderType) -> Provider:
    """Build the provider of a row. Raises `TypeError` for an adapter that is none."""
    adapter: object = resolve_name(row.adapter)
    if not isinstance(adapter, type) or not issubclass(adapter, Provider):
        raise TypeError(f"the adapter of {row.name} is not a Provider: {row.adapter}")
    return adapter(row)
