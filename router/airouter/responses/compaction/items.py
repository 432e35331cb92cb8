"""Compaction items: what stands in a conversation in place of its past."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.responses.items import with_ids
from airouter.responses.sealed import Compacted

if TYPE_CHECKING:
    from airouter.responses.compaction.compactor import ConversationSummary
    from airouter.responses.sealed import Seals

Json = dict[str, Any]


def whole_item(summary: ConversationSummary, seals: Seals) -> Json:
    """Return an item that stands for everything before it."""
    items = [*summary.said, summary.summary, *summary.pending]
    return compaction_item(seals.seal_compacted(Compacted(raw(items), whole=True)))


def window_of(summary: ConversationSummary, seals: Seals) -> list[Any]:
    """Return what the user said, as items, and one item for the rest."""
    rest = Compacted(raw([summary.summary, *summary.pending]))
    said = with_ids(summary.said, secrets.token_hex(16))
    return [*said, compaction_item(seals.seal_compacted(rest))]


def compaction_item(word: str) -> Json:
    """Return a compaction with its sealed content."""
    return {"id": f"cmp_{secrets.token_hex(18)}", "type": "compaction", "encrypted_content": word}


def raw(items: list[msgspec.Raw]) -> msgspec.Raw:
    """Return a list of items as one piece of JSON."""
    return msgspec.Raw(msgspec.json.encode(items))
