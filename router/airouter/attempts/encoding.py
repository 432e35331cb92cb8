"""The bodies of a request for a backend, in the words of its provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airouter.dialects.client_request import ClientRequest
    from airouter.dialects.translation.base import Translation


def encoded(translation: Translation, request: ClientRequest) -> tuple[list[str], list[bytes]]:
    """Return the URLs whose content is missing, and, if none is, the bodies to send.

    Raises `Failure`.
    """
    urls = translation.fetches(request)
    if urls and (missing := [url for url in urls if url not in request.fetched]):
        return missing, []
    return [], translation.encode(request)


def encoded_large(
    translation: Translation, request: ClientRequest
) -> tuple[list[str], list[bytes]]:
    """Return what `encoded` does, and leave nothing of the conversation but what answers need.

    It takes ten times the bytes of the body, and a provider may take minutes to answer.
    """
    try:
        return encoded(translation, request)
    finally:
        request.forget_turns()
