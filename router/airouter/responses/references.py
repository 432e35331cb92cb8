"""References to items, and the items in their place.

The id of an item is made of that of its response, so an item is found without an index of them.
Each response is read once, however many of its items a request refers to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.bounds.held_bytes import OF_A_HISTORY
from airouter.eventloop.aside import LARGE
from airouter.failures import Failure, invalid_field
from airouter.responses.items import (
    REFERENCE,
    item_fields,
    joined_items,
    output_items,
    split_items,
)

if TYPE_CHECKING:
    import msgspec

    from airouter.bounds.held_bytes import Holding
    from airouter.eventloop.aside import Aside
    from airouter.responses.items import Item
    from airouter.responses.records import Archive

NUMBER = 4
"""Digits at the end of an item's id that count the items of its response."""
MOST_REFERENCES = 1_000
MOST_RESPONSES = 100
"""Earlier responses that one request refers to."""
MOST_BYTES = 33_554_432
"""Of responses that are read, and of items that are put in: a body is no larger, either."""


async def with_references_resolved(
    inner: bytes, archive: Archive, aside: Aside, recalled: Holding, *, all_here: bool
) -> bytes:
    """Return items in place of references to them.

    Those that are not known here stay as they are, unless nobody else could know them. What is
    read, and what is put in, is held. Raises `Failure` 400, 503.
    """
    read = await read_items(inner, aside)
    known = {kind.id: item for kind, item in read if kind.type != REFERENCE}
    references = sum(kind.type == REFERENCE for kind, _ in read)
    earlier = EarlierItems(archive, aside, recalled, references)
    found: list[bytes] = []
    for number, (kind, item) in enumerate(read):
        referred = None
        if kind.type == REFERENCE:
            id_, at = kind.id or "", f"input[{number}]"
            referred = known.get(kind.id) or await earlier.find(id_, at)
            if referred is None and all_here:
                raise reference_not_found(id_, at)
            earlier.count(referred, at)
        found.append(bytes(referred or item))
    return joined_items(found)


async def read_items(inner: bytes, aside: Aside) -> list[tuple[Item, msgspec.Raw]]:
    """Return the items of a row, each with its fields. Raises `Failure` 400."""

    def read() -> list[tuple[Item, msgspec.Raw]]:
        return [(item_fields(item), item) for item in split_items(inner)]

    return read() if len(inner) <= LARGE else await aside.run(read)


class EarlierItems:
    """The items of earlier responses, as far as one request may refer to them."""

    __slots__ = ("_archive", "_aside", "_put_in", "_read", "_recalled", "_responses")

    def __init__(self, archive: Archive, aside: Aside, recalled: Holding, references: int) -> None:
        """Take the number of references in all. Raises `Failure` 400 for too many."""
        if references > MOST_REFERENCES:
            raise invalid_field("input", f"'input' has more than {MOST_REFERENCES} references.")
        self._archive = archive
        self._aside = aside
        self._recalled = recalled
        self._responses: dict[str, dict[str | None, msgspec.Raw]] = {}
        """Items by their ids, of each response that was read."""
        self._read = self._put_in = 0

    async def find(self, id_: str, at: str) -> msgspec.Raw | None:
        """Return the item with an id, wanted at a place. Raises `Failure` 400, 503."""
        response = f"resp_{id_.partition('_')[2][:-NUMBER]}"
        items = self._responses.get(response)
        if items is None:
            if len(self._responses) == MOST_RESPONSES:
                raise too_much(at, f"items of more than {MOST_RESPONSES} responses")
            items = self._responses[response] = await self._items_of(response, at)
        return items.get(id_)

    def count(self, item: msgspec.Raw | None, at: str) -> None:
        """Take note that an item is put in. Raises `Failure` 400, 503 where that is too much."""
        size = 0 if item is None else len(bytes(item))
        self._put_in += size
        if self._put_in > MOST_BYTES:
            raise too_much(at, f"items of more than {MOST_BYTES} bytes together")
        self._recalled.grow(size, OF_A_HISTORY)

    async def _items_of(self, response: str, at: str) -> dict[str | None, msgspec.Raw]:
        try:
            record = await self._archive.find(response)
        except Failure as failure:
            if failure.status != 404:
                raise
            return {}
        self._read += len(record.response)
        if self._read > MOST_BYTES:
            raise too_much(at, f"responses of more than {MOST_BYTES} bytes together")
        self._recalled.grow(len(record.response))
        read = await read_items(output_items(record.response), self._aside)
        return {kind.id: item for kind, item in read}


def too_much(at: str, what: str) -> Failure:
    """Return the failure for a reference with which a request becomes too large."""
    return invalid_field(at, f"With '{at}', the input refers to {what}.")


def reference_not_found(id_: str, at: str) -> Failure:
    """Return the failure for a reference to nothing that is kept."""
    return Failure(400, f"Item with id '{id_[:256]}' not found.", param=at, code="not_found")
