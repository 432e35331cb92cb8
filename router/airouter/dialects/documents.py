"""Documents of plain text, which clients may send as bytes and many providers take as text."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from airouter.dialects.long_texts import check_length

if TYPE_CHECKING:
    from airouter.dialects.conversation import Media

TEXTS = frozenset({"application/json", "application/xml", "application/yaml"})
"""Types of text beside `text/*`."""


def document_text(media: Media) -> str | None:
    """Return the text of a document; None for one that is no text.

    Raises `Failure` 400 for one that is too long.
    """
    if media.text is not None or media.data is None:
        return media.text
    kind = media.media_type or ""
    if not kind.startswith("text/") and kind not in TEXTS:
        return None
    try:
        data = base64.b64decode(media.data, validate=True)
        check_length(len(data), is_ascii=data.isascii())
        return data.decode()
    except (binascii.Error, ValueError):
        return None
