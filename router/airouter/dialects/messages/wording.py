"""Blocks that only Anthropic has, in words for models of others: what was found, and by which tool.

They come back with every later turn, also after a session has moved to another provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json


class SpokenText(msgspec.Struct, tag_field="type", tag="text"):
    """Text."""

    text: str


class Citing(msgspec.Struct):
    """The wish that an answer cites something, which words alone do not fulfil."""

    enabled: Literal[False] = False


class FoundText(msgspec.Struct, tag_field="type", tag="search_result"):
    """A page that a client has found."""

    source: str
    title: str
    content: list[SpokenText]
    citations: Citing | None = None

    @property
    def said(self) -> str:
        """Return it in words."""
        return "\n".join([f"{self.title} ({self.source}):", *(each.text for each in self.content)])


class FoundTool(msgspec.Struct, tag_field="type", tag="tool_reference"):
    """A tool that a client has found among those which are not told at once."""

    tool_name: str

    @property
    def said(self) -> str:
        """Return it in words."""
        return f"The tool '{self.tool_name}' can be called."


class BlocksSource(msgspec.Struct):
    """The blocks of a document."""

    content: str | list[SpokenText]


class BlocksDocument(msgspec.Struct, tag_field="type", tag="document"):
    """A document that is made of blocks."""

    source: BlocksSource
    title: str | None = None
    context: str | None = None
    citations: Citing | None = None

    @property
    def said(self) -> str:
        """Return it in words."""
        content = self.source.content
        texts = [content] if isinstance(content, str) else [each.text for each in content]
        return "\n".join(filter(None, (self.title, self.context, *texts)))


Worded = FoundText | FoundTool | BlocksDocument


def said_in(native: Json) -> str | None:
    """Return a block in words; None for one that none say: pictures, and what is to be cited."""
    try:
        block: Worded = msgspec.convert(native, Worded)
    except msgspec.ValidationError:
        return None
    return block.said
