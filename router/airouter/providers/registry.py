"""Every provider that this version serves, by the `type` of a credential.

A provider that speaks OpenAI's API as it is needs no code: one row here, with its own base URL if
it has one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.providers.base import Provider

if TYPE_CHECKING:
    from collections.abc import Mapping

MOCK = "Mock"

ROWS = (
    Provider("OpenAI", base_url="https://api.openai.com/v1"),
    Provider("OpenAICompatible"),
    Provider("Router"),
    Provider(MOCK, base_url="mock:///v1"),
)

PROVIDERS: Mapping[str, Provider] = {provider.type: provider for provider in ROWS}
