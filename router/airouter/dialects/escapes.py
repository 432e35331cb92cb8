r"""Characters of which a half came, or whose two escapes came in two events.

JSON writes an emoji as two escapes (RFC 8259, section 7). Who counts text in UTF-16, and cuts it
between the two, sends halves that no decoder takes: servers in streams, and coding agents in what
they cut short of a tool's output, which stays in their history.
"""

from __future__ import annotations

import re

from airouter.dialects.framing import Frame

ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89abAB][0-9a-fA-F]{2})|(u[dD][c-fC-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""One escape; the groups are a first half alone, and a second."""
UNKNOWN = b"\\ufffd"
WHOLE = re.compile(
    rb"(?:[^\\]++|\\[^u]|\\u(?:[^dD]|[dD][^89a-fA-F])"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+",
    re.DOTALL,
)
"""What has no half in it."""
HALF = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
WINDOW = 65_536
"""Bytes that are looked at by one call."""
MOST_ESCAPES = 20_000
"""In an event that is looked through for halves, one after the other."""
MOST_HALVES = 1_000
"""In a body. Each takes memory until they are all found."""


class SplitEscapes:
    """Puts the halves of one stream together."""

    __slots__ = ("_first",)

    def __init__(self) -> None:
        self._first = b""
        """A half that waits for the other."""

    def whole(self, frame: Frame) -> Frame:
        """Return an event without halves."""
        data = frame.data
        return frame if data.find(b"\\u") < 0 else Frame(frame.name, self.joined(data))

    def joined(self, data: bytes) -> bytes:
        """Return the data of an event without halves; the same where it has very many escapes."""
        if data.find(b"\\ud") < 0 and data.find(b"\\uD") < 0:
            return data
        if data.count(b"\\") > MOST_ESCAPES:
            return data
        return ESCAPE.sub(self._whole, data)

    def _whole(self, escape: re.Match[bytes]) -> bytes:
        first, second = escape[1], escape[2]
        if first is None and second is None:
            return escape[0]
        waiting, self._first = self._first, first or b""
        if second is not None:
            return b"\\" + waiting + escape[0] if waiting else UNKNOWN
        return UNKNOWN if waiting else b""


def without_halves(data: bytes) -> bytes:
    """Return JSON in which no half stands alone."""
    return SplitEscapes().joined(data)


def with_whole_characters(body: bytes | bytearray) -> bytes | None:
    """Return a body of JSON in which no half stands alone; None for one without, or with many."""
    pieces: list[bytes | bytearray] = []
    at = halves = 0
    while at < len(body):
        found = WHOLE.match(body, at, at + WINDOW)
        end = at if found is None else found.end()
        if end > at:
            pieces.append(body[at:end])
            at = end
        elif HALF.match(body, at) and halves < MOST_HALVES:
            pieces.append(UNKNOWN)
            halves += 1
            at += len(UNKNOWN)
        else:
            return None
    return b"".join(pieces) if halves else None
