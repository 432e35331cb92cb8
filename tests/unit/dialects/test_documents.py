"""What of a document is text."""

from __future__ import annotations

import pytest

from airouter.dialects.conversation import Media
from airouter.dialects.documents import document_text


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
