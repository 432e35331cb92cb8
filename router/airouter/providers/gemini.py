"""Gemini at Google AI Studio, with an API key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from airouter.dialects.gemini.errors import failure_of
from airouter.dialects.gemini.upstream import GEMINI
from airouter.providers.base import Provider
from airouter.providers.binding import Binding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.snapshot import Credential
    from airouter.failures import Failure
    from airouter.providers.binding import Api

STREAM = ":streamGenerateContent?alt=sse"


@dataclass(frozen=True)
class Gemini(Provider):
    """Google's models by their public API."""

    def bind(self, api: Api, credential: Credential, model: str) -> Binding | None:  # noqa: ARG002
        root = f"/v1beta/models/{quote(model.removeprefix('models/'), safe='')}"
        match api:
            case "chat" | "messages" | "responses" | "compact":
                return Binding(GEMINI, f"{root}:generateContent", root + STREAM)
            case "count_tokens" | "input_tokens":
                return Binding(GEMINI, f"{root}:countTokens")
            case "embeddings":
                return Binding(GEMINI, f"{root}:batchEmbedContents")
            case "images" if model.startswith("imagen"):
                return Binding(GEMINI, f"{root}:predict")
            case "images":
                return Binding(GEMINI, f"{root}:generateContent")
        return None

    def authorization(self, credential: Credential) -> list[tuple[str, str]]:
        return [] if credential.secret is None else [("x-goog-api-key", credential.secret)]

    def read_failure(
        self,
        status: int,
        headers: Mapping[bytes, bytes],  # noqa: ARG002  # the body says it all
        body: bytes,
    ) -> Failure:
        return failure_of(status, body)
