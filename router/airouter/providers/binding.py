"""Where and in which words a provider is asked for one model."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.dialects.client_request import Envelope

Api = Literal[
    "chat",
    "responses",
    "session",
    "compact",
    "input_tokens",
    "messages",
    "count_tokens",
    "completions",
    "embeddings",
    "images",
]
"""APIs that clients ask for; `api/endpoints.py` has the paths. "session" is "responses", asked over
a WebSocket."""

Speech = Literal[
    "openai",
    "compatible",
    "responses",
    "router",
    "messages",
    "gemini",
    "vertex",
    "converse",
    "estimate",
]
"""How a provider is spoken to; `dialects/translation/choice.py` has what that means for an API."""


class Binding(NamedTuple):
    """One way to ask a provider."""

    speech: Speech
    path: str
    stream_path: str = ""
    """For a stream, where that is another one."""
    envelope: Envelope = MappingProxyType({})
    """What a body must have, or (None) must not have, there."""
    headers: Mapping[str, str] = MappingProxyType({})
    """Further headers. Where the client speaks the same dialect, its own go before them."""
