"""Mistral's own service, which speaks OpenAI's API in a few words of its own.

It refuses every field that it does not know, `stream_options` among them: its streams tell their
usage unasked.

It takes ids of calls of one form alone (`call_ids.py`).

Source: Mistral's reference of its API, and its errors (422, `extra_forbidden`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.call_ids import mistral_id
from airouter.dialects.chat.render_compatible import compatible_body
from airouter.dialects.client_request import reword

if TYPE_CHECKING:
    from airouter.dialects.client_request import Words
    from airouter.dialects.conversation import Conversation, Destination, Json

HOST = "mistral.ai"
WORDS: Words = {
    "max_completion_tokens": "max_tokens",
    "seed": "random_seed",
    "stream_options": None,
}


def render_mistral(conversation: Conversation, destination: Destination) -> bytes:
    """Return the body. Raises `Unsupported`."""
    body = compatible_body(conversation, destination)
    reword(body, WORDS)
    fit_ids(body["messages"])
    return msgspec.json.encode(body)


def fit_ids(messages: list[Json]) -> None:
    """Give calls and their results ids that the service takes."""
    for message in messages:
        for call in message.get("tool_calls", ()):
            call["id"] = mistral_id(call["id"])
        if "tool_call_id" in message:
            message["tool_call_id"] = mistral_id(message["tool_call_id"])


def is_of_mistral(host: str) -> bool:
    """Return whether a host is one of Mistral's own service."""
    return host == HOST or host.endswith(f".{HOST}")
