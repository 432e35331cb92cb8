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
from airouter.dialects.messages.threads import refuse_thread
from airouter.endpoint import Endpoint
from airouter.streaming.form import (
    ANY_STREAM,
    CHAT_STREAM,
    MESSAGES_STREAM,
    RESPONSES_STREAM,
    TEXT_STREAM,
    StreamForm,
)

if TYPE_CHECKING:
    from airouter.providers.binding import Api

OPENAI_HEADERS = (b"openai-processing-ms", b"openai-version")


def openai_endpoint(
    path: str,
    api: Api,
    operation: str,
    error_status: StatusOf = openai_status,
    *,
    stream: StreamForm = ANY_STREAM,
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
        stream=stream,
        stateful=stateful,
    )


def responses_endpoint(path: str, api: Api, operation: str) -> Endpoint:
    """Return an endpoint of OpenAI's Responses."""
    return openai_endpoint(
        path, api, operation, responses_status, stream=RESPONSES_STREAM, stateful=True
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
        stream=MESSAGES_STREAM,
        check=refuse_thread,
    )


CHAT = openai_endpoint("/v1/chat/completions", "chat", "chat", stream=CHAT_STREAM)
RESPONSES = responses_endpoint("/v1/responses", "responses", "chat")
SESSION = responses_endpoint("/v1/responses", "session", "chat")
"""The endpoint of requests over a WebSocket: see `api/websocket.py`."""
COMPACT = responses_endpoint("/v1/responses/compact", "compact", "compact")
INPUT_TOKENS = responses_endpoint("/v1/responses/input_tokens", "input_tokens", "count_tokens")
COMPLETIONS = openai_endpoint(
    "/v1/completions", "completions", "text_completion", stream=TEXT_STREAM
)
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
