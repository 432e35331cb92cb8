"""What of a document is text."""

from __future__ import annotations

import base64

import pytest

from airouter.dialects.conversation import Media
from airouter.dialects.documents import document_text
from airouter.dialects.long_texts import MOST_MADE
from airouter.failures import Failure


@pytest.mark.parametrize(
    ("media", "text"),
    [
        (Media(media_type="text/plain", text="a"), "a"),
        (Media(media_type="text/csv", data="w6Q="), "ä"),
        (Media(media_type="application/json", data="e30="), "{}"),
        (Media(media_type="application/pdf", data="e30="), None),
        (Media(media_type="text/plain", data="/w=="), None),
        (Media(media_type="text/plain", data="e3"), None),
        (Media(media_type="text/plain", url="https://a.test/b.txt"), None),
        (Media(data="e30="), None),
    ],
)
def test_text_is_what_says_so_and_is_utf_8(media: Media, text: str | None) -> None:
    assert document_text(media) == text


def test_a_document_that_takes_four_bytes_a_character_is_bounded() -> None:
    def text_of(said: str) -> str | None:
        data = base64.b64encode(said.encode()).decode()
        return document_text(Media(media_type="text/plain", data=data))

    narrow = "a" * MOST_MADE
    assert text_of(narrow + "a")
    with pytest.raises(Failure) as caught:
        text_of(narrow + "\U0001f600")
    assert (caught.value.status, caught.value.code) == (400, "string_above_max_length")
