"""Betas of Claude, by the cloud that it runs in: each knows some, and refuses the others.

Sources: what Amazon and Google document of Claude, and the errors that people have reported. A name
that is not in a table stays behind, since clients name all betas that they know with every request.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airouter.dialects.conversation import Conversation

BETA_HEADER, BETA_FIELD = b"anthropic-beta", "anthropic_beta"
"""The places where a request names betas: Anthropic has a header, other clouds have a field."""

NAME = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
"""A name that can stand in a header."""
MOST_BETAS = 64

_names = msgspec.json.Decoder(list[str])

TOOL_SEARCH = "tool-search-tool-2025-10-19"
COMPUTER_USE = ("computer-use-2025-01-24", "computer-use-2025-11-24")

VERTEX_BETAS: Mapping[str, str] = {
    **{
        name: name
        for name in (
            *COMPUTER_USE,
            "compact-2026-01-12",
            "context-1m-2025-08-07",
            "context-management-2025-06-27",
            "interleaved-thinking-2025-05-14",
            "web-search-2025-03-05",
            TOOL_SEARCH,
        )
    },
    "advanced-tool-use-2025-11-20": TOOL_SEARCH,
}
"""Betas by the names that clients know, to those of Vertex AI."""
BEDROCK_BETAS: Mapping[str, str] = {
    name: name
    for name in (
        *COMPUTER_USE,
        "context-1m-2025-08-07",
        "effort-2025-11-24",
        "fine-grained-tool-streaming-2025-05-14",
        "interleaved-thinking-2025-05-14",
    )
}
"""Those that Bedrock takes by Converse."""


def named_betas(header: str, field: msgspec.Raw | None = None) -> tuple[str, ...]:
    """Return the betas that a request names: in its header, and in its body as clouds have it."""
    given = [name.strip() for name in header.split(",")]
    listed = None if field is None else decoded_or_none(_names, field)
    given += listed or []
    return tuple(dict.fromkeys(filter(NAME.fullmatch, given)))[:MOST_BETAS]


def taken_betas(betas: Iterable[str], table: Mapping[str, str] | None) -> list[str]:
    """Return the betas that a cloud takes, by its names; a table of None takes all."""
    if table is None:
        return list(betas)
    return list(dict.fromkeys(table[name] for name in betas if name in table))


def with_betas(conversation: Conversation, header: str) -> Conversation:
    """Return a conversation with the betas that its header names, too."""
    if not header:
        return conversation
    betas = tuple(dict.fromkeys((*named_betas(header), *conversation.betas)))
    return msgspec.structs.replace(conversation, betas=betas)
