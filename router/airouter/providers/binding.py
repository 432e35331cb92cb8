"""Bindings: by which API of a provider a model is asked, and at which path.

`Provider.bind` makes a `Binding` of each API for clients and each model; `serving/target.py` finds
the translation that belongs to it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.providers import OfferedApi
    from airouter.dialects.client_request import Envelope
    from airouter.dialects.upstream_api import UpstreamApi

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

OFFERS: Mapping[Api, tuple[OfferedApi, ...]] = {
    "chat": ("chat",),
    "responses": ("responses", "chat"),
    "session": ("responses-ws", "responses", "chat"),
    "compact": ("responses", "chat"),
    "input_tokens": ("responses", "chat"),
    "messages": ("chat",),
    "count_tokens": ("chat",),
    "completions": ("completions",),
    "embeddings": ("embeddings",),
    "images": ("images",),
}
"""API for clients to what a credential must offer for it, one of them."""


class Binding(NamedTuple):
    """A way to ask a provider for a model."""

    api: UpstreamApi
    path: str
    stream_path: str = ""
    """The path of a stream, if that is another one."""
    envelope: Envelope = MappingProxyType({})
    """Fields that a body must have, or (None) must not have, there."""
    headers: Mapping[str, str] = MappingProxyType({})
    """Further headers. Where the client speaks the same dialect, its own go before them."""
