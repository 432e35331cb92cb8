"""The hot paths: POST endpoints that the pipeline serves."""

from __future__ import annotations

from airouter.api.errors import openai_body, openai_event, openai_headers
from airouter.pipeline import Door


def openai_door(path: str, api: str, operation: str) -> Door:
    """A door that fails as OpenAI does."""
    return Door(path, api, operation, openai_headers, openai_body, openai_event)


CHAT = openai_door("/v1/chat/completions", "chat", "chat")
COMPLETIONS = openai_door("/v1/completions", "completions", "text_completion")
EMBEDDINGS = openai_door("/v1/embeddings", "embeddings", "embeddings")

DOORS = (CHAT, COMPLETIONS, EMBEDDINGS)
