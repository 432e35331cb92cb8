"""Which form a model of Google's is asked in for images."""

from __future__ import annotations

from airouter.dialects.images.form import Form
from airouter.dialects.images.gemini import GeminiForm
from airouter.dialects.images.imagen import ImagenForm

__all__ = ["Form", "GeminiForm", "ImagenForm", "google_form"]


def google_form(model: str) -> Form:
    """By the name of the model, which may have a path before it."""
    is_imagen = model.rsplit("/", 1)[-1].startswith("imagen")
    return ImagenForm(model) if is_imagen else GeminiForm(model)
