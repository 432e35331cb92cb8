"""OpenAI, and the servers that imitate its API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from airouter.dialects.chat.mistral import is_of_mistral
from airouter.dialects.chat.upstream import COMPATIBLE, MISTRAL, OPENAI
from airouter.dialects.responses.upstream import COMPATIBLE as COMPATIBLE_RESPONSES
from airouter.dialects.responses.upstream import RESPONSES
from airouter.providers.base import Provider
from airouter.providers.binding import Binding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.snapshot import Credential
    from airouter.dialects.upstream_api import UpstreamApi
    from airouter.providers.binding import Api

PATHS: Mapping[Api, str] = {
    "chat": "/chat/completions",
    "messages": "/chat/completions",
    "responses": "/chat/completions",
    "compact": "/chat/completions",
    "completions": "/completions",
    "embeddings": "/embeddings",
    "images": "/images/generations",
    # Tokens are estimated: nothing is sent.
    "count_tokens": "",
    "input_tokens": "",
}
RESPONSES_PATHS: Mapping[Api, str] = {
    "responses": "/responses",
    "compact": "/responses/compact",
    "input_tokens": "/responses/input_tokens",
}
"""Where an upstream offers Responses itself; else it is asked in chat completions."""


@dataclass(frozen=True)
class OpenAI(Provider):
    """OpenAI itself."""

    api: ClassVar[UpstreamApi] = OPENAI
    responses_api: ClassVar[UpstreamApi] = RESPONSES

    def bind(self, api: Api, credential: Credential, model: str) -> Binding | None:  # noqa: ARG002
        if api in RESPONSES_PATHS and "responses" in credential.api:
            return Binding(self.responses_api, RESPONSES_PATHS[api])
        return Binding(self.api, PATHS[api])


@dataclass(frozen=True)
class OpenAICompatible(OpenAI):
    """A server that speaks OpenAI's API, maybe with fewer words."""

    api: ClassVar[UpstreamApi] = COMPATIBLE
    responses_api: ClassVar[UpstreamApi] = COMPATIBLE_RESPONSES

    def bind(self, api: Api, credential: Credential, model: str) -> Binding | None:
        binding = super().bind(api, credential, model)
        host = urlsplit(credential.base_url or "").hostname or ""
        if binding is None or binding.api is not self.api or not is_of_mistral(host):
            return binding
        return binding._replace(api=MISTRAL)
