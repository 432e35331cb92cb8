"""Every provider that this version serves, by the `type` of a credential.

A provider that speaks OpenAI's API as it is needs no code: one row here, with its own base URL if
it has one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.providers.anthropic import Anthropic
from airouter.providers.azure import AzureOpenAI
from airouter.providers.bedrock import Bedrock
from airouter.providers.gemini import Gemini
from airouter.providers.openai import OpenAI, Router
from airouter.providers.vertex import VertexAI

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.providers.base import Provider

MOCK = "Mock"

ROWS: tuple[Provider, ...] = (
    OpenAI("OpenAI", home="https://api.openai.com/v1"),
    OpenAI("OpenAICompatible", speech="compatible"),
    AzureOpenAI("AzureOpenAI"),
    Router("Router"),
    OpenAI(MOCK, home="mock:///v1"),
    Anthropic("Anthropic"),
    Gemini("Gemini"),
    VertexAI("VertexAI"),
    Bedrock("Bedrock"),
)

PROVIDERS: Mapping[str, Provider] = {provider.type: provider for provider in ROWS}
