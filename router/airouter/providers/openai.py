"""OpenAI, and whoever speaks its API: compatible servers, other routers, Mock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airouter.providers.base import Provider
from airouter.providers.binding import Binding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.snapshot import Credential
    from airouter.providers.binding import Api, Speech

PATHS: Mapping[Api, str] = {
    "chat": "/chat/completions",
    "messages": "/chat/completions",
    "responses": "/chat/completions",
    "compact": "/chat/completions",
    "completions": "/completions",
    "embeddings": "/embeddings",
    "images": "/images/generations",
}
RESPONSES: Mapping[Api, str] = {
    "responses": "/responses",
    "compact": "/responses/compact",
    "input_tokens": "/responses/input_tokens",
}
"""Where an upstream speaks Responses itself; else it is asked in chat completions."""
ESTIMATED = ("count_tokens", "input_tokens")
ROUTER_PATHS: Mapping[Api, str] = {
    "messages": "/messages",
    "count_tokens": "/messages/count_tokens",
}
VERSION = {"anthropic-version": "2023-06-01"}


@dataclass(frozen=True)
class OpenAI(Provider):
    """One that speaks OpenAI's API."""

    home: str | None = None
    """Its base URL, if it has one place."""
    speech: Speech = "openai"

    def base_url(self, credential: Credential) -> str | None:  # noqa: ARG002
        return self.home

    def bind(self, api: Api, credential: Credential, model: str) -> Binding | None:  # noqa: ARG002
        if api in RESPONSES and "responses" in credential.api:
            return Binding("responses", RESPONSES[api])
        if api in ESTIMATED:
            return Binding("estimate", "")
        return Binding(self.speech, PATHS[api])


@dataclass(frozen=True)
class Router(OpenAI):
    """A router like this one, which speaks Anthropic's API as well."""

    def bind(self, api: Api, credential: Credential, model: str) -> Binding | None:
        path = ROUTER_PATHS.get(api)
        if path is None:
            binding = super().bind(api, credential, model)
            own = binding is not None and binding.speech == "responses"
            return binding._replace(speech="router") if binding and own else binding
        return Binding("messages", path, headers=VERSION)
