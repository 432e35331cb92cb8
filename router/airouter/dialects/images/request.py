"""The request of a client to `/v1/images/generations`; a provider's is rendered by its codec.

Source: `ImageGenerateParams` of the openai SDK. Fields that only drawing as GIF or SVG has are
left out: nobody but OpenAI draws so.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from airouter.dialects.checking import checked_body
from airouter.failures import invalid_field

MOST_IMAGES = 10


class ImageRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The body, checked by its types. `user` and `safety_identifier` are hints."""

    prompt: str
    model: str
    n: int | None = None
    size: str | None = None
    quality: Literal["auto", "standard", "hd", "low", "medium", "high", "xhigh", "max"] | None = (
        None
    )
    style: Literal["vivid", "natural"] | None = None
    background: Literal["auto", "opaque", "transparent"] | None = None
    moderation: Literal["auto", "low"] | None = None
    response_format: Literal["b64_json", "url"] | None = None
    output_format: Literal["png", "jpeg", "webp", "gif", "svg"] | None = None
    output_compression: int | None = None
    partial_images: int | None = None
    stream: bool | None = None
    user: str | None = None
    safety_identifier: str | None = None


_decoder = msgspec.json.Decoder(ImageRequest)


def parse_request(body: bytes) -> ImageRequest:
    """Return a body, checked. Raises `Failure` 400 that names the field."""
    request = checked_body(body, _decoder)
    if not request.prompt.strip():
        raise invalid_field("prompt", "'prompt' must not be empty.")
    check_range("n", request.n, 1, MOST_IMAGES)
    check_range("output_compression", request.output_compression, 0, 100)
    check_range("partial_images", request.partial_images, 0, 3)
    return request


def check_range(name: str, value: int | None, least: int, most: int) -> None:
    """Raise `Failure` 400 for a number that OpenAI would not take either."""
    if value is not None and not least <= value <= most:
        raise invalid_field(name, f"'{name}' must be from {least} to {most}.")
