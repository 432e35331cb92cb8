"""Vertex AI: Google's models and Claude, in a project and a location.

Source: the paths of google-genai and of anthropic's `AnthropicVertex`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from airouter.config.compile.identity import google_project
from airouter.dialects.embeddings.choice import vertex_method
from airouter.dialects.gemini.errors import failure_of
from airouter.providers.anthropic import anthropic_failure, named
from airouter.providers.base import Provider, error_object
from airouter.providers.binding import Binding
from airouter.providers.gemini import STREAM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.snapshot import Credential
    from airouter.failures import Failure
    from airouter.providers.binding import Api

MULTI_REGIONS = frozenset({"us", "eu"})
PROJECT = "{project}"
"""Stands in a path where only the identity knows the project."""
CLAUDE_ENVELOPE: Mapping[str, msgspec.Raw | None] = {
    "model": None,
    "anthropic_version": msgspec.Raw(b'"vertex-2023-10-16"'),
}


@dataclass(frozen=True)
class VertexAI(Provider):
    """Models in a project of Google Cloud."""

    def base_url(self, credential: Credential) -> str | None:
        location = location_of(credential)
        if location == "global":
            return "https://aiplatform.googleapis.com"
        if location in MULTI_REGIONS:
            return f"https://aiplatform.{location}.rep.googleapis.com"
        return f"https://{location}-aiplatform.googleapis.com"

    def bind(self, api: Api, credential: Credential, model: str) -> Binding | None:
        project = project_of(credential)
        root = f"/v1/projects/{project}/locations/{location_of(credential)}/publishers"
        if "claude" in model:
            return bind_claude(api, f"{root}/anthropic/models", model)
        return bind_google(api, f"{root}/google/models", model)

    def authorization(self, credential: Credential) -> list[tuple[str, str]]:  # noqa: ARG002
        return []  # a token, by `identity/google.py`

    def read_failure(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Failure:
        """Claude's errors come in Anthropic's shape, and now and then inside one of Google's."""
        if error_object(body).get("type") is not None:
            return anthropic_failure(super().read_failure(status, headers, body))
        return failure_of(status, body)


def bind_claude(api: Api, root: str, model: str) -> Binding | None:
    """Claude, in its own dialect."""
    path = f"{root}/{quote(model, safe='@')}"
    match api:
        case "chat" | "messages" | "responses" | "compact":
            return Binding(
                "messages", f"{path}:rawPredict", f"{path}:streamRawPredict", CLAUDE_ENVELOPE
            )
        case "count_tokens" | "input_tokens":
            envelope = {**CLAUDE_ENVELOPE, **named(model)}
            return Binding("messages", f"{root}/count-tokens:rawPredict", envelope=envelope)
    return None


def bind_google(api: Api, root: str, model: str) -> Binding | None:
    """Google's own models."""
    path = f"{root}/{quote(model, safe='@')}"
    match api:
        case "chat" | "messages" | "responses" | "compact":
            return Binding("vertex", f"{path}:generateContent", path + STREAM)
        case "count_tokens" | "input_tokens":
            return Binding("vertex", f"{path}:countTokens")
        case "embeddings":
            return Binding("vertex", f"{path}:{vertex_method(model)}")
        case "images" if model.startswith("imagen"):
            return Binding("vertex", f"{path}:predict")
        case "images":
            return Binding("vertex", f"{path}:generateContent")
    return None


def location_of(credential: Credential) -> str:
    """Where the models run."""
    return "global" if credential.gcp is None else credential.gcp.location


def project_of(credential: Credential) -> str:
    """Whose models they are: as declared, as the key says, or as the identity will say."""
    declared = credential.gcp and credential.gcp.project
    return declared or google_project(credential.secret) or PROJECT
