"""Images of Google's models. Gemini draws by `generateContent`, one image for each call.

Source: `ImageConfig` of google-genai, which has no image formats at AI Studio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Json, Unsupported, Usage
from airouter.dialects.gemini.models import traits_of
from airouter.dialects.images.form import Form, refused
from airouter.dialects.images.imagen import ImagenForm
from airouter.dialects.images.response import ImageResult, Picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.images.request import ImageRequest


def image_form(model: str) -> Form:
    """Return how a model, which may have a path before its name, is asked for images."""
    is_imagen = model.rsplit("/", 1)[-1].startswith("imagen")
    return ImagenForm(model) if is_imagen else GeminiImages(model)


class Answer(msgspec.Struct, rename="camel"):
    """What of an answer matters for images."""

    candidates: list[Candidate] = []
    prompt_feedback: Feedback | None = None
    usage_metadata: Counts | None = None


class Candidate(msgspec.Struct, rename="camel"):
    """What was made."""

    content: Content | None = None
    finish_reason: str | None = None


class Content(msgspec.Struct):
    """Text and images."""

    parts: list[Part] = []


class Part(msgspec.Struct, rename="camel"):
    """A text, which is nothing to us, or an image; drafts are marked as `thought`."""

    inline_data: Blob | None = None
    thought: bool = False


class Blob(msgspec.Struct, rename="camel"):
    """An image."""

    data: str
    mime_type: str = "image/png"


class Feedback(msgspec.Struct, rename="camel"):
    """Why a prompt was blocked."""

    block_reason: str | None = None


class Counts(msgspec.Struct, rename="camel"):
    """Tokens; what was thought is counted apart from what was made."""

    prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0


_decoder = msgspec.json.Decoder(Answer)


class GeminiImages(Form):
    """One image for each call."""

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

    def read(self, answers: Sequence[bytes]) -> ImageResult:
        read = [_decoder.decode(answer) for answer in answers]
        return ImageResult(
            pictures=tuple(picture_in(answer) for answer in read),
            usage=usage_of([answer.usage_metadata for answer in read]),
        )

    def _image_config(self, request: ImageRequest) -> Json:
        """What to draw on. `1K` is what all models begin with, and not all know the field."""
        shape = self.shape(request)
        if shape is None:
            return {}
        larger = {} if shape.resolution == "1K" else {"imageSize": shape.resolution}
        return {"imageConfig": {"aspectRatio": shape.ratio, **larger}}


def picture_in(answer: Answer) -> Picture:
    """The image of an answer. Raises `Failure` 400 where there is none."""
    candidate = answer.candidates[0] if answer.candidates else Candidate()
    for part in candidate.content.parts if candidate.content else ():
        if part.inline_data is not None and not part.thought:
            return Picture(data=part.inline_data.data, media_type=part.inline_data.mime_type)
    feedback = answer.prompt_feedback or Feedback()
    raise refused(feedback.block_reason or candidate.finish_reason)


def usage_of(counts: Sequence[Counts | None]) -> Usage | None:
    """The tokens of all calls; None as soon as one does not say."""
    known = [each for each in counts if each is not None]
    if len(known) != len(counts):
        return None
    return Usage(
        input_tokens=sum(each.prompt_token_count for each in known),
        output_tokens=sum(
            each.candidates_token_count + each.thoughts_token_count for each in known
        ),
    )
