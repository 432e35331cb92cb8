"""The answer to a client of `/v1/images/generations`.

Source: `ImagesResponse` of the openai SDK. Images stay the base64 that they came as, so their
sizes are not known, and not told.
"""

from __future__ import annotations

import time

import msgspec

from airouter.dialects.conversation import Json, Piece, Usage
from airouter.dialects.openai_usage import render_image_usage


class Picture(Piece, frozen=True):
    """An image as base64."""

    data: str
    media_type: str = "image/png"
    revised_prompt: str | None = None
    """The prompt that was drawn, where the provider changed the client's."""


class ImageResult(Piece, frozen=True):
    """At least one picture, and the tokens of all, where the provider tells them."""

    pictures: tuple[Picture, ...]
    usage: Usage | None = None


def render_response(result: ImageResult) -> bytes:
    """Return the body."""
    body: Json = {
        "created": int(time.time()),
        "data": [datum(picture) for picture in result.pictures],
        "output_format": result.pictures[0].media_type.removeprefix("image/"),
    }
    if result.usage is not None:
        body["usage"] = render_image_usage(result.usage)
    return msgspec.json.encode(body)


def datum(picture: Picture) -> Json:
    """Return one entry of `data`."""
    if picture.revised_prompt is None:
        return {"b64_json": picture.data}
    return {"b64_json": picture.data, "revised_prompt": picture.revised_prompt}
