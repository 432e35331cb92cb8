"""What a client asks of `/v1/images/generations`."""

from __future__ import annotations

from typing import Literal

import msgspec

from airouter.dialects.checking import read
from airouter.failures import invalid_field

MOST_IMAGES = 10


class ImageRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The body, checked by its types."""

    prompt: str
    model: str
    n: int | None = None
    size: str | None = None
    quality: str | None = None
    style: str | None = None
    background: str | None = None
    moderation: str | None = None
    response_format: Literal["b64_json", "url"] | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    output_compression: int | None = None
    partial_images: int | None = None
    stream: bool | None = None
    user: str | None = None


_decoder = msgspec.json.Decoder(ImageRequest)


def parse_request(body: bytes) -> ImageRequest:
    """Read and check a body. Raises `Failure` 400 that names the field."""
    request = read(body, _decoder)
    if not request.prompt.strip():
        raise invalid_field("prompt", "'prompt' must not be empty.")
    if request.n is not None and not 1 <= request.n <= MOST_IMAGES:
        raise invalid_field("n", f"'n' must be from 1 to {MOST_IMAGES}.")
    return request
