"""Sizes in pixels, as the shapes that Google draws in."""

from __future__ import annotations

import pytest

from airouter.dialects.images.shapes import shape_of


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ("1024x1024", ("1:1", "1K")),
        ("512x512", ("1:1", "1K")),
        ("1536x1024", ("3:2", "1K")),
        ("1024x1536", ("2:3", "1K")),
        ("1792x1024", ("16:9", "1K")),
        ("1024x1792", ("9:16", "1K")),
        ("1536x864", ("16:9", "1K")),
        ("2048x2048", ("1:1", "2K")),
        ("2560x1440", ("16:9", "2K")),
        ("3840x2160", ("16:9", "4K")),
    ],
)
def test_a_size_is_a_shape_and_about_as_many_pixels(size: str, shape: tuple[str, str]) -> None:
    assert shape_of(size) == shape


@pytest.mark.parametrize("size", ["", "auto", "1K", "1:1", "1024", "1024x", "0x0", "9999x9999"])
def test_what_is_no_size_has_no_shape(size: str) -> None:
    assert shape_of(size) is None
