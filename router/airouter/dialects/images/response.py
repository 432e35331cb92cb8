"""What a client gets from `/v1/images/generations`."""

from __future__ import annotations

import time

import msgspec

from airouter.dialects.conversation import Json, Piece, Usage


class ImageResult(Piece, frozen=True):
    """Pictures as base64."""

    images: tuple[str, ...]
    media_type: str = "image/png"
    usage: Usage | None = None


def render_response(result: ImageResult) -> bytes:
    """The body."""
    body: Json = {
        "created": int(time.time()),
        "data": [{"b64_json": image} for image in result.images],
        "output_format": result.media_type.removeprefix("image/"),
    }
    if result.usage is not None:
        body["usage"] = usage_of(result.usage)
    return msgspec.json.encode(body)


def usage_of(usage: Usage) -> Json:
    """What it cost; prompts here are text."""
    given, made = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "input_tokens": given,
        "output_tokens": made,
        "total_tokens": given + made,
        "input_tokens_details": {"text_tokens": given, "image_tokens": 0},
    }
