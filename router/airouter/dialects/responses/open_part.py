"""A part of an answer while it grows in a stream, and the item that it stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import Reasoning, Refusal, Text, ToolCall
from airouter.dialects.responses.items import content_of, reasoning_item

if TYPE_CHECKING:
    from airouter.dialects.conversation import Citation, Json, Part, Signature


class OpenPart:
    """A part that grows in a stream, and its item."""

    __slots__ = ("citations", "item", "logprobs", "part", "pieces", "signature")

    def __init__(self, part: Part, item: Json) -> None:
        self.part = part
        self.item = item
        self.pieces: list[str] = []
        self.citations: list[Citation] = []
        self.logprobs: list[Json] = []
        self.signature: Signature | None = None

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self.pieces)

    @property
    def content(self) -> Json:
        """The part of a message that it is so far."""
        if isinstance(self.part, Refusal):
            return content_of(Refusal(text=self.text))
        citations, logprobs = tuple(self.citations), tuple(self.logprobs)
        return content_of(Text(text=self.text, citations=citations, logprobs=logprobs))

    def broken_off(self, message: Json | None) -> Json | None:
        """Return its item as far as it came, in `message` or of its own; None where none began."""
        match self.part:
            case Text() | Refusal() if message is not None:
                return {**message, "content": [*message["content"], self.content]}
            case Reasoning():
                return reasoning_item(Reasoning(text=self.text), self.item["id"])
            case ToolCall(custom=custom) if self.item:
                return {**self.item, "input" if custom else "arguments": self.text}
        return None
