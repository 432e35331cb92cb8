"""The frame of every codec for images: limits that Google's APIs share, and refused prompts.

Some APIs draw one image per call, so a request may become several bodies. The pipeline sends them
side by side and gives all the answers back in their order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Unsupported
from airouter.dialects.images.shapes import shape_of
from airouter.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airouter.dialects.conversation import Json
    from airouter.dialects.images.request import ImageRequest
    from airouter.dialects.images.response import ImageResult
    from airouter.dialects.images.shapes import Shape

NO_IMAGES = "the upstream's answer has no images"
HARMLESS: Mapping[str, tuple[frozenset[str | int | None], str]] = {
    "stream": (frozenset({None, False}), "does not stream images"),
    "partial_images": (frozenset({None, 0}), "shows no images before they are finished"),
    "response_format": (frozenset({None, "b64_json"}), "gives images as base64 only"),
    "quality": (frozenset({None, "auto", "standard"}), "has no levels of quality"),
    "style": (frozenset({None}), "has no styles but those that a prompt asks for"),
    "background": (frozenset({None, "auto", "opaque"}), "draws opaque backgrounds only"),
    "moderation": (frozenset({None, "auto"}), "has one level of moderation only"),
}
"""Fields without a counterpart at Google: values that ask for nothing, and the error for others."""


class ImageCodec(ABC):
    """Requests and answers of one API, for one model; an empty name is the newest of its kind."""

    ratios: frozenset[str]
    resolutions: frozenset[str]

    def __init__(self, model: str = "") -> None:
        self.model = model

    def render(self, request: ImageRequest) -> list[bytes]:
        """Return the bodies to send. Raises `Unsupported`."""
        for name, (harmless, why) in HARMLESS.items():
            if getattr(request, name) not in harmless:
                raise Unsupported(name, why)
        return [msgspec.json.encode(body) for body in self.bodies(request)]

    @abstractmethod
    def bodies(self, request: ImageRequest) -> list[Json]:
        """Return the bodies to send, not yet encoded. Raises `Unsupported`."""

    @abstractmethod
    def parse(self, answers: Sequence[bytes]) -> ImageResult:
        """Return the images of all answers, one answer for each body.

        Raises `BrokenReply`, and `Failure` 400 when any of the images was not drawn.
        """

    def shape(self, request: ImageRequest) -> Shape | None:
        """Return the shape that the client asks for; None leaves it to the model.

        Raises `Unsupported` for a shape that the model does not draw.
        """
        if request.size in {None, "auto"}:
            return None
        shape = shape_of(str(request.size))
        if shape is None or shape.ratio not in self.ratios:
            raise Unsupported("size", f"draws in the shapes {', '.join(sorted(self.ratios))} only")
        if shape.resolution not in self.resolutions:
            raise Unsupported("size", "does not draw as large as that")
        return shape


def no_image(reason: str | None) -> Failure:
    """Return the `Failure` for a prompt that the model drew nothing for, with its `reason`."""
    return Failure(
        400,
        f"The model drew no image: {reason or 'it gave no reason'}.",
        param="prompt",
        code="content_policy_violation",
    )
