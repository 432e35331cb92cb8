"""The choice of a way from an API for clients to an API of providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.translation.client_apis import CLIENT_APIS

if TYPE_CHECKING:
    from airouter.dialects.translation.base import Translation
    from airouter.dialects.translation.client_apis import ServedModel
    from airouter.dialects.upstream_api import UpstreamApi


def translation_for(api: str, upstream: UpstreamApi, model: ServedModel) -> Translation:
    """Return how a model is asked: as the client asks, if that can pass, else translated.

    Raises `ValueError` where there is no way.
    """
    client = CLIENT_APIS[api]
    build = client.pass_through if api in upstream.passes else client.translate
    return build(upstream, model)
