"""Vertex AI: Google's models and Claude, in a project and a location.

Source: the paths of google-genai and of anthropic's `AnthropicVertex`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from airouter.config.cloud_secrets import google_project
from airouter.dialects.embeddings.choice import vertex_method
from airouter.dialects.gemini.errors import failure_of
from airouter.dialects.gemini.upstream import VERTEX
from airouter.dialects.messages.upstream import ON_VERTEX
from airouter.providers.anthropic import anthropic_failure, model_envelope
from airouter.providers.base import Provider, reported_error
from airouter.providers.binding import Binding
from airouter.providers.gemini import STREAM
from airouter.providers.identity.google import GoogleSigner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.snapshot import Credential
    from airouter.failures import Failure
    from airouter.providers.binding import Api
    from airouter.providers.identity.base import Signer
    from airouter.providers.identity.workers import Workers

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
        return []  # the signer has a token

    def make_signer(self, credential: Credential, host: str, workers: Workers) -> Signer:  # noqa: ARG002
        return GoogleSigner(credential.secret, name=credential.name, workers=workers)

    def read_failure(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Failure:
        """Read a Claude's error, in Anthropic's shape, or Google's, now and then around it."""
        if reported_error(body).get("type") is not None:
            return anthropic_failure(super().read_failure(status, headers, body))
        return failure_of(status, body)


def bind_claude(api: Api, root: str, model: str) -> Binding | None:
    """Bind a Claude, which is asked in its own dialect."""
    path = f"{root}/{quote(model, safe='@')}"
    match api:
        case "chat" | "messages" | "responses" | "compact":
            return Binding(
                ON_VERTEX, f"{path}:rawPredict", f"{path}:streamRawPredict", CLAUDE_ENVELOPE
            )
        case "count_tokens" | "input_tokens":
            envelope = {**CLAUDE_ENVELOPE, **model_envelope(model)}
            return Binding(ON_VERTEX, f"{root}/count-tokens:rawPredict", envelope=envelope)
    return None


def bind_google(api: Api, root: str, model: str) -> Binding | None:
    """Bind a model of Google's."""
    path = f"{root}/{quote(model, safe='@')}"
    match api:
        case "chat" | "messages" | "responses" | "compact":
            return Binding(VERTEX, f"{path}:generateContent", path + STREAM)
        case "count_tokens" | "input_tokens":
            return Binding(VERTEX, f"{path}:countTokens")
        case "embeddings":
            return Binding(VERTEX, f"{path}:{vertex_method(model)}")
        case "images" if model.startswith("imagen"):
            return Binding(VERTEX, f"{path}:predict")
        case "images":
            return Binding(VERTEX, f"{path}:generateContent")
    return None


def location_of(credential: Credential) -> str:
    """Return the location that the models run in."""
    return "global" if credential.gcp is None else credential.gcp.location


def project_of(credential: Credential) -> str:
    """Return the project: as declared, as the key says, or as the identity will say."""
    declared = credential.gcp and credential.gcp.project
    return declared or google_project(credential.secret) or PROJECT
