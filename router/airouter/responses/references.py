"""References to items, and the items in their place.

The id of an item is made of that of its response, so an item is found without an index of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.failures import Failure
from airouter.responses.items import item_fields, joined_items, split_items

if TYPE_CHECKING:
    import msgspec

    from airouter.responses.records import Archive

REFERENCE = "item_reference"
NUMBER = 4
"""Digits at the end of an item's id that count the items of its response."""


async def with_references_resolved(inner: bytes, archive: Archive, *, all_here: bool) -> bytes:
    """Return items in place of references to them.

    Those that are not known here stay as they are, unless nobody else could know them. Raises
    `Failure` 400, 503.
    """
    items = split_items(inner)
    kinds = [item_fields(item) for item in items]
    known = {
        kind.id: item for kind, item in zip(kinds, items, strict=True) if kind.type != REFERENCE
    }
    found: list[bytes] = []
    for number, (kind, item) in enumerate(zip(kinds, items, strict=True)):
        referred = None
        if kind.type == REFERENCE:
            id_ = kind.id or ""
            referred = known.get(kind.id) or await stored_item(id_, archive)
            if referred is None and all_here:
                raise reference_not_found(id_, f"input[{number}]")
        found.append(bytes(referred or item))
    return joined_items(found)


async def stored_item(id_: str, archive: Archive) -> msgspec.Raw | None:
    """Return an item of an earlier response. Raises `Failure` 503."""
    seed = id_.partition("_")[2][:-NUMBER]
    try:
        history = await archive.history_after(f"resp_{seed}")
    except Failure as failure:
        if failure.status != 400:
            raise
        return None
    items = reversed(split_items(history.items))
    return next((item for item in items if item_fields(item).id == id_), None)


def reference_not_found(id_: str, at: str) -> Failure:
    """Return the failure for a reference to nothing that is kept."""
    return Failure(400, f"Item with id '{id_[:256]}' not found.", param=at, code="not_found")
