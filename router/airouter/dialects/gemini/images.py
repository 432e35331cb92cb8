"""Gemini models that draw: `generateContent`, which draws one image per call.

Source: `ImageConfig` of google-genai, which has no image formats at AI Studio. Answers are those of
a conversation, so their structs are the ones of `gemini/schema.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Json, Unsupported
from airouter.dialects.gemini.counts import summed_usage
from airouter.dialects.gemini.models import traits_of
from airouter.dialects.gemini.schema import (
    Candidate,
    CandidateContent,
    PromptFeedback,
    Response,
)
from airouter.dialects.images.codec import NO_IMAGES, ImageCodec, no_image
from airouter.dialects.images.imagen import ImagenCodec
from airouter.dialects.images.response import ImageResult, Picture
from airouter.interfaces import BrokenReply
from airouter.untrusted import decoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.images.request import ImageRequest


def image_codec(model: str) -> ImageCodec:
    """Return the codec for a model by its name, which may have a path before it."""
    is_imagen = model.rsplit("/", 1)[-1].startswith("imagen")
    return ImagenCodec(model) if is_imagen else GeminiImageCodec(model)


_decoder = msgspec.json.Decoder(Response)


class GeminiImageCodec(ImageCodec):
    """Requests of one image each, and their answers."""

    ratios = frozenset({"1:1", "2:3", "3:2", "3:4", "4:3", "9:16", "16:9", "21:9"})

    def __init__(self, model: str = "") -> None:
        super().__init__(model)
        third = traits_of(model).version >= (3, 0)
        self.resolutions = frozenset({"1K", "2K", "4K"} if third else {"1K"})

    def bodies(self, request: ImageRequest) -> list[Json]:
        if request.output_format not in {None, "png"}:
            raise Unsupported("output_format", "has no choice of image formats")
        if request.output_compression is not None:
            raise Unsupported("output_compression", "has no choice of compression")
        body = {
            "contents": [{"role": "user", "parts": [{"text": request.prompt}]}],
            "generationConfig": {
                "responseModalities": ["TEXT", "IMAGE"],
                **self._image_config(request),
            },
        }
        return [body] * (request.n or 1)

    def parse(self, answers: Sequence[bytes]) -> ImageResult:
        responses = [decoded(_decoder, answer, BrokenReply, NO_IMAGES) for answer in answers]
        return ImageResult(
            pictures=tuple(picture_in(response) for response in responses),
            usage=summed_usage([response.usage_metadata for response in responses]),
        )

    def _image_config(self, request: ImageRequest) -> Json:
        """Return the shape in Google's fields; `1K` is the default, which some models refuse."""
        shape = self.shape(request)
        if shape is None:
            return {}
        larger = {} if shape.resolution == "1K" else {"imageSize": shape.resolution}
        return {"imageConfig": {"aspectRatio": shape.ratio, **larger}}


def picture_in(response: Response) -> Picture:
    """Return the image of an answer. Raises `Failure` 400 where there is none."""
    candidate = response.candidates[0] if response.candidates else Candidate()
    for part in (candidate.content or CandidateContent()).parts or ():
        image = part.inline_data
        if image is not None and not part.thought:  # a thought is a draft
            return Picture(data=image.data, media_type=image.mime_type or "image/png")
    feedback = response.prompt_feedback or PromptFeedback()
    raise no_image(feedback.block_reason or candidate.finish_reason)
