"""The hot paths: POST endpoints that the pipeline serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.api.errors import (
    StatusOf,
    error_headers,
    openai_body,
    openai_status,
    responses_status,
)
from airouter.dialects.messages.errors import error_body as anthropic_body
from airouter.dialects.messages.errors import error_status as anthropic_status
from airouter.endpoint import Endpoint

if TYPE_CHECKING:
    from airouter.providers.binding import Api

OPENAI_HEADERS = (b"openai-processing-ms", b"openai-version")


def openai_endpoint(
    path: str,
    api: Api,
    operation: str,
    error_status: StatusOf = openai_status,
    *,
    stateful: bool = False,
) -> Endpoint:
    """Return an endpoint that fails as OpenAI does."""
    return Endpoint(
        path,
        api,
        operation,
        "OpenAI",
        id_header=b"x-request-id",
        forwarded=(b"openai-beta", b"idempotency-key"),
        returned=OPENAI_HEADERS,
        error_status=error_status,
        error_headers=error_headers,
        error_body=openai_body,
        stateful=stateful,
    )


def anthropic_endpoint(path: str, api: Api, operation: str) -> Endpoint:
    """Return an endpoint that fails as Anthropic does."""
    return Endpoint(
        path,
        api,
        operation,
        "Anthropic",
        id_header=b"request-id",
        forwarded=(b"anthropic-version", b"anthropic-beta"),
        returned=(),
        error_status=anthropic_status,
        error_headers=error_headers,
        error_body=anthropic_body,
    )


CHAT = openai_endpoint("/v1/chat/completions", "chat", "chat")
RESPONSES = openai_endpoint("/v1/responses", "responses", "chat", responses_status, stateful=True)
SESSION = openai_endpoint("/v1/responses", "session", "chat", responses_status, stateful=True)
"""The endpoint of requests over a WebSocket: see `api/websocket.py`."""
COMPACT = openai_endpoint(
    "/v1/responses/compact", "compact", "compact", responses_status, stateful=True
)
INPUT_TOKENS = openai_endpoint(
    "/v1/responses/input_tokens", "input_tokens", "count_tokens", responses_status, stateful=True
)
COMPLETIONS = openai_endpoint("/v1/completions", "completions", "text_completion")
EMBEDDINGS = openai_endpoint("/v1/embeddings", "embeddings", "embeddings")
IMAGES = openai_endpoint("/v1/images/generations", "images", "generate_content")
MESSAGES = anthropic_endpoint("/v1/messages", "messages", "chat")
COUNT_TOKENS = anthropic_endpoint("/v1/messages/count_tokens", "count_tokens", "count_tokens")

ENDPOINTS = (
    CHAT,
    RESPONSES,
    COMPACT,
    INPUT_TOKENS,
    COMPLETIONS,
    EMBEDDINGS,
    IMAGES,
    MESSAGES,
    COUNT_TOKENS,
)
