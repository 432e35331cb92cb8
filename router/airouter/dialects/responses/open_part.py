"""A part of an answer while it grows in a stream, and the item that it stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
