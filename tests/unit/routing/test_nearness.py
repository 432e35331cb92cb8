"""Names that a client may have meant."""

from __future__ import annotations

import pytest

from airouter.routing.nearness import near

KNOWN = ["gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "meta-llama/Llama-3.3-70B-Instruct"]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("gpt4o", "gpt-4o"),
        ("GPT-4O", "gpt-4o"),
        ("openai/gpt-4o", "gpt-4o"),
        ("claude-sonet-4.5", "claude-sonnet-4-5"),
        ("calude-sonnet-4-5", "claude-sonnet-4-5"),
        ("llama-3.3-70b-instruct", "meta-llama/Llama-3.3-70B-Instruct"),
    ],
)
def test_a_mistyped_name_is_known_again(name: str, nearest: str) -> None:
    assert near(name, KNOWN)[0] == nearest


@pytest.mark.parametrize("name", ["whisper", "", "---", "g" * 65])
def test_nothing_is_near_to_what_is_something_else(name: str) -> None:
    assert near(name, KNOWN) == []


def test_few_names_are_told_of_very_many() -> None:
    assert len(near("model-1", (f"model-{number}" for number in range(1024)))) == 3


def test_a_name_that_is_as_long_as_a_body_is_not_read() -> None:
    class Endless(str):
        """A name that takes seconds to read."""

        __slots__ = ()

        def rpartition(self, sep: str) -> tuple[str, str, str]:
            raise AssertionError(f"it is read for {sep!r}")

    assert near(Endless("m" * 1_000), KNOWN) == []
