"""What clients may ask of `/v1/images/generations`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.images.request import ImageRequest, parse_request
from airouter.failures import Failure

EVERYTHING: dict[str, Any] = {
    "prompt": "a cat",
    "model": "m",
    "n": 2,
    "size": "1024x1024",
    "quality": "high",
    "style": "vivid",
    "background": "transparent",
    "moderation": "low",
    "response_format": "url",
    "output_format": "webp",
    "output_compression": 80,
    "partial_images": 2,
    "stream": True,
    "user": "somebody",
    "safety_identifier": "hash",
}


def parsed(**fields: Any) -> ImageRequest:
    return parse_request(msgspec.json.encode({"prompt": "a cat", "model": "m", **fields}))


def test_everything_that_a_client_says_is_kept() -> None:
    assert msgspec.structs.asdict(parsed(**EVERYTHING)) == EVERYTHING


def test_a_field_that_is_null_is_as_if_it_were_not_there() -> None:
    asked = parsed(**{name: None for name in EVERYTHING if name not in {"prompt", "model"}})
    assert asked == ImageRequest(prompt="a cat", model="m")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", " \n"),
        ("prompt", 7),
        ("n", 0),
        ("n", 11),
        ("quality", "best"),
        ("style", "naive"),
        ("background", "red"),
        ("moderation", "none"),
        ("response_format", "png"),
        ("output_format", "bmp"),
        ("output_compression", 101),
        ("partial_images", 4),
        ("stream", "yes"),
        ("sise", "1024x1024"),
    ],
)
def test_a_field_that_cannot_be_meant_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(Failure) as caught:
        parsed(**{field: value})
    assert (caught.value.status, caught.value.param) == (400, field)
