"""The end of a stream of chunks that the router ends itself."""

from __future__ import annotations

import msgspec

from airouter.dialects.framing import ServerSentEvents
from airouter.untrusted import decoded_or_none

_chunk = msgspec.json.Decoder(dict[str, msgspec.Raw])
_choices = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
NOT_TOLD = {"choices", "usage", "obfuscation"}


def end_at_length(events: bytes) -> bytes:
    """Return the chunk with which a stream ends that has become too long.

    `events` are its latest; it is like the last of them that has a choice.
    """
    for frame in reversed(ServerSentEvents().feed(events + b"\n\n")):
        chunk = decoded_or_none(_chunk, frame.data)
        choices = decoded_or_none(_choices, chunk.get("choices", b"")) if chunk else None
        if chunk and choices:
            head: dict[str, object] = {k: v for k, v in chunk.items() if k not in NOT_TOLD}
            head["choices"] = [ended_choice(choice) for choice in choices]
            return b"data: " + msgspec.json.encode(head) + b"\n\n"
    return b""


def ended_choice(choice: dict[str, msgspec.Raw]) -> dict[str, object]:
    """Return the end of a choice: of a chat, or of a completion."""
    nothing: dict[str, object] = {"text": ""} if "text" in choice else {"delta": {}}
    index = choice.get("index", msgspec.Raw(b"0"))
    return {"index": index, **nothing, "finish_reason": "length"}
