"""The codec for each of Google's models that draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.images.gemini import GeminiImageCodec
from airouter.dialects.images.imagen import ImagenCodec

if TYPE_CHECKING:
    from airouter.dialects.images.codec import ImageCodec


def google_codec(model: str) -> ImageCodec:
    """Return the codec for a model by its name, which may have a path before it."""
    is_imagen = model.rsplit("/", 1)[-1].startswith("imagen")
    return ImagenCodec(model) if is_imagen else GeminiImageCodec(model)
