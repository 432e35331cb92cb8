"""Anthropic's own API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.messages.upstream import MESSAGES
from airouter.providers.base import Provider
from airouter.providers.binding import Binding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.snapshot import Credential
    from airouter.failures import Failure
    from airouter.providers.binding import Api

PATHS: Mapping[Api, str] = {
    "chat": "/v1/messages",
    "messages": "/v1/messages",
    "responses": "/v1/messages",
    "compact": "/v1/messages",
    "count_tokens": "/v1/messages/count_tokens",
    "input_tokens": "/v1/messages/count_tokens",
}
VERSION = {"anthropic-version": "2023-06-01"}
"""The version that still takes sampling parameters, for the models that have them."""
OVERLOADED = 529


@dataclass(frozen=True)
class Anthropic(Provider):
    """Claude at its maker."""

    def bind(self, api: Api, credential: Credential, model: str) -> Binding | None:  # noqa: ARG002
        if api not in PATHS:
            return None
        return Binding(MESSAGES, PATHS[api], envelope=model_envelope(model), headers=VERSION)

    def authorization(self, credential: Credential) -> list[tuple[str, str]]:
        return [] if credential.secret is None else [("x-api-key", credential.secret)]

    def read_failure(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Failure:
        return anthropic_failure(super().read_failure(status, headers, body))


def model_envelope(model: str) -> dict[str, msgspec.Raw | None]:
    """Return the envelope of a body that names the model."""
    return {"model": msgspec.Raw(msgspec.json.encode(model))}


def anthropic_failure(failure: Failure) -> Failure:
    """Put an error whose status or type only Anthropic has in OpenAI's terms."""
    if failure.status == OVERLOADED:
        failure.status, failure.type, failure.code = 503, "server_error", "overloaded_error"
    elif failure.status == 413:
        failure.code = "request_too_large"
    elif failure.status == 404:
        failure.code = "model_not_found"
    return failure
