"""Imagen: `predict`, which draws a few images per call.

Source: google-genai's converters for `generate_images`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Json, Unsupported
from airouter.dialects.images.codec import NO_IMAGES, ImageCodec, no_image
from airouter.dialects.images.response import ImageResult, Picture
from airouter.interfaces import BrokenReply
from airouter.untrusted import decoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.images.request import ImageRequest

MOST_SAMPLES = 4
FORMATS = ("png", "jpeg")


class ImagenPrediction(msgspec.Struct, rename="camel"):
    """An image, or the reason for none; `prompt` is the client's as Imagen rewrote it."""

    bytes_base64_encoded: str | None = None
    mime_type: str = "image/png"
    prompt: str | None = None
    rai_filtered_reason: str | None = None


class ImagenAnswer(msgspec.Struct):
    """The answer of `predict`: an empty object where everything was filtered."""

    predictions: list[ImagenPrediction] = []


_decoder = msgspec.json.Decoder(ImagenAnswer)


class ImagenCodec(ImageCodec):
    """Requests of up to `MOST_SAMPLES` images each, and their answers."""

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

    def parse(self, answers: Sequence[bytes]) -> ImageResult:
        predictions = [each for answer in answers for each in predictions_in(answer)]
        return ImageResult(pictures=tuple(picture_of(each) for each in predictions))

    def _parameters(self, request: ImageRequest) -> Json:
        """Return the parameters of every call."""
        # Without it, a filtered image is silently missing from the answer.
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
    """Return the image format in Google's fields. Raises `Unsupported`."""
    format_, compression = request.output_format, request.output_compression
    if format_ is not None and format_ not in FORMATS:
        raise Unsupported("output_format", f"draws as {' or '.join(FORMATS)} only")
    if compression is not None and format_ != "jpeg":
        raise Unsupported("output_compression", "compresses images of the format jpeg only")
    options: Json = {} if format_ is None else {"mimeType": f"image/{format_}"}
    return options if compression is None else {**options, "compressionQuality": compression}


def predictions_in(answer: bytes) -> list[ImagenPrediction]:
    """Return the images of one call. Raises `BrokenReply`, and `Failure` 400 where it drew none."""
    predictions = decoded(_decoder, answer, BrokenReply, NO_IMAGES).predictions
    if not predictions:
        raise no_image(None)
    return predictions


def picture_of(prediction: ImagenPrediction) -> Picture:
    """Return an image. Raises `Failure` 400 for one that was filtered."""
    if prediction.bytes_base64_encoded is None:
        raise no_image(prediction.rai_filtered_reason)
    return Picture(
        data=prediction.bytes_base64_encoded,
        media_type=prediction.mime_type,
        revised_prompt=prediction.prompt,
    )
