"""The bound over texts that are made here: joined from several, or decoded from a document.

One character beyond ASCII makes Python take up to four bytes for each of a text. Those that come in
a body are bounded there (`client_request.py`); joined with longer ones they would widen these, too.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from airouter.dialects.conversation import Text, ToolResult
from airouter.failures import too_long_together

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airouter.dialects.conversation import Part, Turn

MOST_MADE = 8_388_608
"""Characters, where one of them is beyond ASCII: 32 MiB."""


def check_rows(turns: Iterable[Turn]) -> None:
    """Refuse texts between two of the model, or in a row of its own, that are too long together.

    Some providers get them as one. Raises `Failure` 400.
    """
    for _, row in groupby(turns, key=lambda turn: turn.role == "assistant"):
        texts = [text for turn in row for text in texts_in(turn.parts)]
        if len(texts) > 1:
            check_length(sum(map(len, texts)), is_ascii=all(map(str.isascii, texts)))


def check_length(length: int, *, is_ascii: bool) -> None:
    """Refuse to make a text of so many characters. Raises `Failure` 400."""
    if length > MOST_MADE and not is_ascii:
        raise too_long_together(MOST_MADE)


def texts_in(parts: Iterable[Part]) -> Iterator[str]:
    """Yield the texts of parts, those of results of tools, too."""
    for part in parts:
        if isinstance(part, Text):
            yield part.text
        elif isinstance(part, ToolResult):
            yield from texts_in(part.parts)
