"""References to items, and the items in their place.

The id of an item is made of that of its response, so an item is found without an index of them.
Each response is read once, however many of its items a request refers to.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from airouter.bounds.held_bytes import OF_A_HISTORY
from airouter.failures import Failure, invalid_field
from airouter.responses.items import REFERENCE, item_fields, output_items, split_items

if TYPE_CHECKING:
    import msgspec

    from airouter.bounds.held_bytes import Holding
    from airouter.eventloop.aside import Aside
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
    read = await aside.by_size(len(inner), partial(read_row, inner))
    earlier = EarlierItems(archive, aside, recalled, len(read.references))
    put_in: dict[int, msgspec.Raw] = {}
    for number, id_ in read.references.items():
        at = f"input[{number}]"
        referred = read.known.get(id_) or await earlier.find(id_, at)
        if referred is not None:
            earlier.count(referred, at)
            put_in[number] = referred
        elif all_here:
            raise reference_not_found(id_, at)

    def resolved() -> bytes:
        return b",".join([put_in.get(number, item) for number, item in enumerate(read.items)])

    return await aside.by_size(len(inner) + earlier.put_in, resolved)


class ReadRow(NamedTuple):
    """The items of a row that refers to some."""

    items: list[msgspec.Raw]
    known: dict[str, msgspec.Raw]
    """The items that are no references, by their ids."""
    references: dict[int, str]
    """The ids that are referred to, by the place of the reference."""


def read_row(inner: bytes) -> ReadRow:
    """Return a row of items as far as references are about it. Raises `Failure` 400."""
    row = ReadRow(split_items(inner), {}, {})
    for number, item in enumerate(row.items):
        kind = item_fields(item)
        if kind.type == REFERENCE:
            row.references[number] = kind.id or ""
        elif kind.id:
            row.known[kind.id] = item
    return row


class EarlierItems:
    """The items of earlier responses, as far as one request may refer to them."""

    __slots__ = ("_archive", "_aside", "_read", "_recalled", "_responses", "put_in")

    def __init__(self, archive: Archive, aside: Aside, recalled: Holding, references: int) -> None:
        """Take the number of references in all. Raises `Failure` 400 for too many."""
        if references > MOST_REFERENCES:
            raise invalid_field("input", f"'input' has more than {MOST_REFERENCES} references.")
        self._archive = archive
        self._aside = aside
        self._recalled = recalled
        self._responses: dict[str, dict[str, msgspec.Raw]] = {}
        """Items by their ids, of each response that was read."""
        self._read = 0
        self.put_in = 0
        """Bytes of the items that are put in."""

    async def find(self, id_: str, at: str) -> msgspec.Raw | None:
        """Return the item with an id, wanted at a place. Raises `Failure` 400, 503."""
        response = f"resp_{id_.partition('_')[2][:-NUMBER]}"
        items = self._responses.get(response)
        if items is None:
            if len(self._responses) == MOST_RESPONSES:
                raise too_much(at, f"items of more than {MOST_RESPONSES} responses")
            items = self._responses[response] = await self._items_of(response, at)
        return items.get(id_)

    def count(self, item: msgspec.Raw, at: str) -> None:
        """Take note that an item is put in. Raises `Failure` 400, 503 where that is too much."""
        size = len(memoryview(item))
        self.put_in += size
        if self.put_in > MOST_BYTES:
            raise too_much(at, f"items of more than {MOST_BYTES} bytes together")
        self._recalled.grow(size, OF_A_HISTORY)

    async def _items_of(self, response: str, at: str) -> dict[str, msgspec.Raw]:
        try:
            record = await self._archive.find(response)
        except Failure as failure:
            if failure.status != 404:
                raise
            return {}
        body = record.response
        self._read += len(body)
        if self._read > MOST_BYTES:
            raise too_much(at, f"responses of more than {MOST_BYTES} bytes together")
        self._recalled.grow(len(body))
        read = await self._aside.by_size(len(body), lambda: read_row(output_items(body)))
        return read.known


def too_much(at: str, what: str) -> Failure:
    """Return the failure for a reference with which a request becomes too large."""
    return invalid_field(at, f"With '{at}', the input refers to {what}.")


def reference_not_found(id_: str, at: str) -> Failure:
    """Return the failure for a reference to nothing that is kept."""
    return Failure(400, f"Item with id '{id_[:256]}' not found.", param=at, code="not_found")
