"""Data URLs as clients write them, and providers take them."""

from __future__ import annotations

import base64

import pytest

from airouter.dialects.media import MOST_MENDED, proper_base64

PNG = base64.b64encode(bytes(range(250))).decode()


@pytest.mark.parametrize(
    "written",
    [
        PNG,
        PNG.rstrip("="),
        base64.encodebytes(bytes(range(250))).decode(),
        PNG.replace("\n", "\r\n") + "\r\n",
        " " + PNG,
        PNG.replace("=", "%3D").replace("+", "%2B").replace("/", "%2F"),
        PNG.replace("+", "-").replace("/", "_"),
    ],
)
def test_base64_is_told_as_every_provider_takes_it(written: str) -> None:
    assert proper_base64(written) == PNG


def test_more_than_any_image_is_left_to_its_provider() -> None:
    large = "A" * MOST_MENDED + "\n"
    assert proper_base64(large) is large
