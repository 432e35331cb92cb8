"""What Google's ways to ask for images have in common: what they cannot do, and how they decline.

An image may take a call of its own, so that a request may become several bodies. The pipeline
sends them side by side and gives all the answers back in their order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.conversation import Unsupported
from airouter.dialects.images.shapes import shape_of
from airouter.failures import Failure
from airouter.interfaces import BrokenReply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airouter.dialects.conversation import Json
    from airouter.dialects.images.request import ImageRequest
    from airouter.dialects.images.response import ImageResult
    from airouter.dialects.images.shapes import Shape

HARMLESS: Mapping[str, tuple[frozenset[str | int | None], str]] = {
    "stream": (frozenset({None, False}), "does not stream images"),
    "partial_images": (frozenset({None, 0}), "shows no images before they are finished"),
    "response_format": (frozenset({None, "b64_json"}), "gives images as base64 only"),
    "quality": (frozenset({None, "auto", "standard"}), "has no levels of quality"),
    "style": (frozenset({None}), "has no styles but those that a prompt asks for"),
    "background": (frozenset({None, "auto", "opaque"}), "draws opaque backgrounds only"),
    "moderation": (frozenset({None, "auto"}), "has one level of moderation only"),
}
"""What Google has no field for: the values that ask for nothing, and why others cannot be had."""


class Form(ABC):
    """One way to ask, for one model; without its name, the newest of its kind is meant."""

    ratios: frozenset[str]
    resolutions: frozenset[str]

    def __init__(self, model: str = "") -> None:
        self.model = model

    def render(self, request: ImageRequest) -> list[bytes]:
        """The bodies. Raises `Unsupported`."""
        for name, (harmless, why) in HARMLESS.items():
            if getattr(request, name) not in harmless:
                raise Unsupported(name, why)
        return [msgspec.json.encode(body) for body in self.bodies(request)]

    def parse(self, answers: Sequence[bytes]) -> ImageResult:
        """The images of all answers, one for each body.

        Raises `BrokenReply`, and `Failure` 400 when any of the images was not drawn.
        """
        try:
            return self.read(answers)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise BrokenReply("the upstream's answer has no images") from None

    @abstractmethod
    def bodies(self, request: ImageRequest) -> list[Json]:
        """What to send. Raises `Unsupported`."""

    @abstractmethod
    def read(self, answers: Sequence[bytes]) -> ImageResult:
        """What came. Raises `msgspec.DecodeError`, `Failure`."""

    def shape(self, request: ImageRequest) -> Shape | None:
        """What to draw on; None leaves it to the model. Raises `Unsupported`."""
        if request.size in {None, "auto"}:
            return None
        shape = shape_of(str(request.size))
        if shape is None or shape.ratio not in self.ratios:
            raise Unsupported("size", f"draws in the shapes {', '.join(sorted(self.ratios))} only")
        if shape.resolution not in self.resolutions:
            raise Unsupported("size", "does not draw as large as that")
        return shape


def refused(reason: str | None) -> Failure:
    """A prompt that an image is missing for; `reason` is the provider's."""
    return Failure(
        400,
        f"The model drew no image: {reason or 'it gave no reason'}.",
        param="prompt",
        code="content_policy_violation",
    )
