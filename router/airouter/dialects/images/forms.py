"""What Google has for pictures: Gemini models that answer with one, and Imagen.

Source: Google's API reference for `imageConfig` and for Imagen's `predict`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.conversation import Json, Unsupported, Usage
from airouter.dialects.images.response import ImageResult
from airouter.failures import Failure
from airouter.wire import BrokenReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.images.request import ImageRequest

RATIOS = {
    "256x256": "1:1",
    "512x512": "1:1",
    "1024x1024": "1:1",
    "2048x2048": "1:1",
    "1536x1024": "3:2",
    "1024x1536": "2:3",
    "1792x1024": "16:9",
    "1024x1792": "9:16",
    "1536x864": "16:9",
    "864x1536": "9:16",
    "1280x896": "4:3",
    "896x1280": "3:4",
}
"""Sizes as OpenAI writes them, and the shape that Google calls the same."""
IMAGEN_RATIOS = frozenset({"1:1", "3:4", "4:3", "9:16", "16:9"})
DEFAULTS: dict[str, frozenset[Any]] = {
    "quality": frozenset({None, "auto", "standard"}),
    "style": frozenset({None}),
    "background": frozenset({None, "auto", "opaque"}),
    "moderation": frozenset({None, "auto"}),
    "response_format": frozenset({None, "b64_json"}),
    "partial_images": frozenset({None, 0}),
    "stream": frozenset({None, False}),
}
"""Fields that Google has nothing for, and their values that ask for nothing."""


class Form(ABC):
    """One way to ask for pictures."""

    def render(self, request: ImageRequest) -> list[bytes]:
        """The bodies. Raises `Unsupported`."""
        for name, harmless in DEFAULTS.items():
            if getattr(request, name) not in harmless:
                raise Unsupported(name, f"has no choice of '{name}'")
        return [msgspec.json.encode(body) for body in self.bodies(request)]

    def parse(self, answers: Sequence[bytes]) -> ImageResult:
        """The pictures of all answers. Raises `BrokenReply`, and `Failure` 400 for a refusal."""
        try:
            return self.read([msgspec.json.decode(answer) for answer in answers])
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
            raise BrokenReply("the upstream's answer cannot be read") from None

    @abstractmethod
    def bodies(self, request: ImageRequest) -> list[Json]:
        """What to send."""

    @abstractmethod
    def read(self, answers: list[Any]) -> ImageResult:
        """What came."""


class GeminiForm(Form):
    """A Gemini model that draws: one picture for each call."""

    def bodies(self, request: ImageRequest) -> list[Json]:
        if request.output_format not in {None, "png"}:
            raise Unsupported("output_format", "draws as png only")
        if request.output_compression is not None:
            raise Unsupported("output_compression", "does not compress")
        config: Json = {"responseModalities": ["TEXT", "IMAGE"]}
        ratio = ratio_of(request)
        if ratio is not None:
            config["imageConfig"] = {"aspectRatio": ratio}
        contents = [{"role": "user", "parts": [{"text": request.prompt}]}]
        body = {"contents": contents, "generationConfig": config}
        return [body] * (request.n or 1)

    def read(self, answers: list[Any]) -> ImageResult:
        images = [image_in(answer) for answer in answers]
        counts = [answer.get("usageMetadata") or {} for answer in answers]
        return ImageResult(
            images=tuple(image["data"] for image in images),
            media_type=images[0].get("mimeType") or "image/png",
            usage=Usage(
                input_tokens=sum(each.get("promptTokenCount") or 0 for each in counts),
                output_tokens=sum(each.get("candidatesTokenCount") or 0 for each in counts),
            ),
        )


class ImagenForm(Form):
    """Imagen: all pictures in one call."""

    def bodies(self, request: ImageRequest) -> list[Json]:
        if request.output_format == "webp":
            raise Unsupported("output_format", "draws as png or jpeg")
        parameters: Json = {"sampleCount": request.n or 1}
        ratio = ratio_of(request)
        if ratio is not None:
            if ratio not in IMAGEN_RATIOS:
                raise Unsupported("size", f"does not draw in the shape of '{request.size}'")
            parameters["aspectRatio"] = ratio
        if request.output_format is not None or request.output_compression is not None:
            parameters["outputOptions"] = output_options(request)
        return [{"instances": [{"prompt": request.prompt}], "parameters": parameters}]

    def read(self, answers: list[Any]) -> ImageResult:
        (answer,) = answers
        found = answer.get("predictions") or []
        drawn = [each for each in found if "bytesBase64Encoded" in each]
        if not drawn:
            raise refused(next((each.get("raiFilteredReason") for each in found), None))
        return ImageResult(
            images=tuple(each["bytesBase64Encoded"] for each in drawn),
            media_type=drawn[0].get("mimeType") or "image/png",
        )


def output_options(request: ImageRequest) -> Json:
    """In which format to draw."""
    options: Json = {"mimeType": f"image/{request.output_format or 'png'}"}
    if request.output_compression is not None:
        options["compressionQuality"] = request.output_compression
    return options


def ratio_of(request: ImageRequest) -> str | None:
    """The shape; None leaves it to the model. Raises `Unsupported`."""
    if request.size in {None, "auto"}:
        return None
    ratio = RATIOS.get(str(request.size))
    if ratio is None:
        raise Unsupported("size", f"does not draw in '{str(request.size)[:32]}'")
    return ratio


def image_in(answer: Any) -> Json:
    """The picture of an answer of Gemini. Raises `Failure` 400 where there is none."""
    candidates = answer.get("candidates") or [{}]
    parts = (candidates[0].get("content") or {}).get("parts") or []
    for part in parts:
        blob: Json | None = part.get("inlineData")
        if blob is not None and not part.get("thought"):
            return blob
    feedback = answer.get("promptFeedback") or {}
    raise refused(feedback.get("blockReason") or candidates[0].get("finishReason"))


def refused(reason: str | None) -> Failure:
    """A prompt that no picture was drawn for."""
    return Failure(
        400,
        f"The model drew no image: {reason or 'it gave no reason'}.",
        param="prompt",
        code="content_policy_violation",
    )
