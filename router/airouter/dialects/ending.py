"""The end of a stream that passes through, after which its provider has nothing to say."""

from __future__ import annotations

import re

from airouter.dialects.framing import EVENT_END

NOTHING_MORE = re.compile(rb"\s*(?:data:[ ]?\[DONE\]\s*)?")
"""What may follow: servers that imitate an API end every stream as chat completions end."""
DONE = b"[DONE]"
MORE = "the upstream went on after the end of its stream"


class Ending:
    """Finds the last event of one stream."""

    __slots__ = ("_hint", "_last", "over")

    def __init__(self, hint: bytes, last: re.Pattern[bytes]) -> None:
        """Take a pattern of the last event, and bytes that few other events have in them."""
        self._hint = hint
        self._last = last
        self.over = False

    def split(self, data: bytes) -> tuple[bytes, bytes]:
        """Divide a piece into what belongs to the stream, and what comes after its end."""
        if self.over:
            return (data, b"") if NOTHING_MORE.fullmatch(data) else (b"", data)
        if data.find(self._hint) < 0 or (found := self._last.search(data)) is None:
            return data, b""
        self.over = True
        end = end_after(data, found.end())
        if end < 0 or NOTHING_MORE.fullmatch(data, end):
            return data, b""
        return data[:end], data[end:]


def end_after(data: bytes, at: int) -> int:
    """Return the end of the event that goes on at a place, or -1; it may have megabytes."""
    if data.find(b"\r") < 0:
        end = data.find(b"\n\n", at)
        return end if end < 0 else end + 2
    found = EVENT_END.search(data, at)
    return -1 if found is None else found.end()
