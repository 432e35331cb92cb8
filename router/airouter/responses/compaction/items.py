"""Compaction items, and responses with one in them."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.responses.items import with_ids
from airouter.responses.sealed import Compacted

if TYPE_CHECKING:
    from airouter.responses.compaction.compactor import Summary, Usage
    from airouter.responses.sealed import Seals

Json = dict[str, Any]


def whole_item(summary: Summary, seals: Seals) -> Json:
    """An item that stands for everything before it."""
    items = [*summary.said, summary.summary, *summary.pending]
    return item(seals.seal_compacted(Compacted(raw(items), whole=True)))


def window_of(summary: Summary, seals: Seals) -> list[Any]:
    """What the user said, as items, and one item for the rest."""
    rest = Compacted(raw([summary.summary, *summary.pending]))
    said = with_ids(summary.said, secrets.token_hex(16))
    return [*said, item(seals.seal_compacted(rest))]


def item(word: str) -> Json:
    """A compaction with its sealed content."""
    return {"id": f"cmp_{secrets.token_hex(18)}", "type": "compaction", "encrypted_content": word}


def compaction_object(output: list[Any], usage: Usage) -> bytes:
    """The answer of `/v1/responses/compact`."""
    body = {
        "id": f"resp_{secrets.token_hex(18)}",
        "object": "response.compaction",
        "created_at": int(time.time()),
        "output": output,
        "usage": usage_object(usage),
    }
    return msgspec.json.encode(body)


def usage_object(usage: Usage) -> Json:
    """What it cost, as responses have it."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": usage.read,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": usage.written,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def raw(items: list[msgspec.Raw]) -> msgspec.Raw:
    """A list of items as one piece of JSON."""
    return msgspec.Raw(msgspec.json.encode(items))


def event(name: str, number: int, fields: Json) -> bytes:
    """One event of a stream."""
    body = {"type": name, "sequence_number": number, **fields}
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(body))


def added_events(item_: Json, index: int, number: int) -> bytes:
    """The two events of an item that comes at once, from `sequence_number` on."""
    fields = {"output_index": index, "item": item_}
    return event("response.output_item.added", number, fields) + event(
        "response.output_item.done", number + 1, fields
    )
