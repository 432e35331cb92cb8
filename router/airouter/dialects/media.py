"""Media that a conversation names by URL: the URLs to fetch, and their content put in place.

Each dialect of a provider says which images and files it takes as bytes only; the pipeline fetches
these (`upstream/fetching.py`), and a translation inlines them before it renders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from airouter.dialects.conversation import File, Image, ToolResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from airouter.dialects.conversation import Conversation, Media, Part, Turn


NICKNAMES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
"""Types that clients write, and no provider takes."""


ODD = ("\n", "\r", " ", "%", "-", "_")
"""In base64 that is not as RFC 4648 has it first."""
MOST_MENDED = 6_291_456
"""Characters of base64 that is mended: of any image that Claude takes."""
ALPHABET = str.maketrans("-_", "+/")


def proper_type(media_type: str) -> str:
    """Return a type of media by its registered name."""
    name = media_type.strip().lower()
    return NICKNAMES.get(name, name)


def proper_base64(data: str) -> str:
    """Return the base64 of a data URL as providers take it.

    Browsers and OpenAI also take line ends (RFC 2045), escapes of URLs, the alphabet for URLs (RFC
    4648), and no padding.
    """
    if len(data) % 4 == 0 and not any(mark in data for mark in ODD):
        return data
    if len(data) > MOST_MENDED:
        return data
    unescaped = unquote(data) if "%" in data else data
    plain = "".join(unescaped.split()).translate(ALPHABET).rstrip("=")
    return plain + "=" * (-len(plain) % 4)


def urls_in(
    conversation: Conversation, is_fetched: Callable[[Image | File, str], bool]
) -> list[str]:
    """Return the URLs of images and files that a provider wants as bytes.

    `is_fetched` is asked with a part and its URL.
    """
    return [
        part.media.url
        for turn in conversation.turns
        for part in media_in(turn.parts)
        if part.media.url is not None and is_fetched(part, part.media.url)
    ]


def media_in(parts: Iterable[Part]) -> Iterator[Image | File]:
    """Yield all images and files, those in results of tools too."""
    for part in parts:
        if isinstance(part, Image | File):
            yield part
        elif isinstance(part, ToolResult):
            yield from media_in(part.parts)


def inlined(conversation: Conversation, fetched: Mapping[str, Media]) -> Conversation:
    """Return the conversation with the content of every URL that is in `fetched`."""
    if not fetched:
        return conversation
    turns = tuple(inlined_turn(turn, fetched) for turn in conversation.turns)
    return msgspec.structs.replace(conversation, turns=turns)


def inlined_turn(turn: Turn, fetched: Mapping[str, Media]) -> Turn:
    """Return a turn with the content of its URLs."""
    parts = tuple(inlined_part(part, fetched) for part in turn.parts)
    return msgspec.structs.replace(turn, parts=parts)


def inlined_part(part: Part, fetched: Mapping[str, Media]) -> Part:
    """Return a part with the content of its URLs."""
    match part:
        case Image() | File() if part.media.url is not None and part.media.url in fetched:
            return msgspec.structs.replace(part, media=fetched[part.media.url])
        case ToolResult():
            parts = tuple(inlined_part(each, fetched) for each in part.parts)
            return msgspec.structs.replace(part, parts=parts)
    return part
