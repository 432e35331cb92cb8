"""Imagen: `predict`, a few images for each call.

Source: google-genai's converters for `generate_images`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Json, Unsupported
from airouter.dialects.images.form import Form, refused
from airouter.dialects.images.response import ImageResult, Picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.images.request import ImageRequest

MOST_SAMPLES = 4
FORMATS = ("png", "jpeg")


class Prediction(msgspec.Struct, rename="camel"):
    """An image, or why there is none; `prompt` is how Imagen rewrote the client's."""

    bytes_base64_encoded: str | None = None
    mime_type: str = "image/png"
    prompt: str | None = None
    rai_filtered_reason: str | None = None


class Answer(msgspec.Struct):
    """What `predict` answers; nothing at all where everything was filtered."""

    predictions: list[Prediction] = []


_decoder = msgspec.json.Decoder(Answer)


class ImagenForm(Form):
    """Up to `MOST_SAMPLES` images for each call."""

    ratios = frozenset({"1:1", "3:4", "4:3", "9:16", "16:9"})

    def __init__(self, model: str = "") -> None:
        super().__init__(model)
        self.resolutions = frozenset({"1K"} if "imagen-3" in model else {"1K", "2K"})

    def bodies(self, request: ImageRequest) -> list[Json]:
        n = request.n or 1
        parameters = self._parameters(request)
        return [
            {
                "instances": [{"prompt": request.prompt}],
                "parameters": {"sampleCount": min(MOST_SAMPLES, n - drawn), **parameters},
            }
            for drawn in range(0, n, MOST_SAMPLES)
        ]

    def read(self, answers: Sequence[bytes]) -> ImageResult:
        predictions = [each for answer in answers for each in predictions_in(answer)]
        return ImageResult(pictures=tuple(picture_of(each) for each in predictions))

    def _parameters(self, request: ImageRequest) -> Json:
        """How to draw; and that images which may not be shown shall be named, not left out."""
        parameters: Json = {"includeRaiReason": True}
        shape = self.shape(request)
        if shape is not None:
            parameters["aspectRatio"] = shape.ratio
            if shape.resolution != "1K":
                parameters["sampleImageSize"] = shape.resolution
        options = output_options(request)
        if options:
            parameters["outputOptions"] = options
        return parameters


def output_options(request: ImageRequest) -> Json:
    """In which format to draw. Raises `Unsupported`."""
    format_, compression = request.output_format, request.output_compression
    if format_ is not None and format_ not in FORMATS:
        raise Unsupported("output_format", f"draws as {' or '.join(FORMATS)} only")
    if compression is not None and format_ != "jpeg":
        raise Unsupported("output_compression", "compresses images of the format jpeg only")
    options: Json = {} if format_ is None else {"mimeType": f"image/{format_}"}
    return options if compression is None else {**options, "compressionQuality": compression}


def predictions_in(answer: bytes) -> list[Prediction]:
    """What one call drew. Raises `Failure` 400 where that is nothing."""
    predictions = _decoder.decode(answer).predictions
    if not predictions:
        raise refused(None)
    return predictions


def picture_of(prediction: Prediction) -> Picture:
    """An image. Raises `Failure` 400 for one that was filtered."""
    if prediction.bytes_base64_encoded is None:
        raise refused(prediction.rai_filtered_reason)
    return Picture(
        data=prediction.bytes_base64_encoded,
        media_type=prediction.mime_type,
        revised_prompt=prediction.prompt,
    )
