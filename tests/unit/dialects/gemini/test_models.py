"""What a name tells of a model."""

from __future__ import annotations

import pytest

from airouter.dialects.gemini.models import traits_of


@pytest.mark.parametrize(
    ("model", "version", "thinking", "signs_calls"),
    [
        ("gemini-1.5-pro-002", (1, 5), "none", False),
        ("gemini-2.0-flash", (2, 0), "none", False),
        ("gemini-2.5-flash-lite-preview-09-2025", (2, 5), "budget", False),
        ("models/gemini-2.5-pro", (2, 5), "budget", False),
        ("gemini-3-pro-preview", (3, 0), "level", True),
        ("gemini-3.6-flash", (3, 6), "level", True),
        ("gemini-10-flash", (10, 0), "level", True),
    ],
)
def test_a_name_tells_the_generation(
    model: str, version: tuple[int, int], thinking: str, signs_calls: bool
) -> None:
    traits = traits_of(model)
    assert (traits.version, traits.thinking, traits.signs_calls) == (version, thinking, signs_calls)


@pytest.mark.parametrize("model", ["gemini-flash-latest", "my-tuned-model", ""])
def test_an_unknown_name_is_taken_for_the_newest(model: str) -> None:
    assert traits_of(model).version > (3, 99)
    assert "MINIMAL" not in traits_of(model).levels
