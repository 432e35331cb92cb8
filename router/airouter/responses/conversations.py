"""Conversation objects: items that responses go on from and add to."""

from __future__ import annotations

import logging
import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from airouter.bounds.held_bytes import OF_A_BODY
from airouter.dialects.responses.validation import check_metadata
from airouter.eventloop.turns import HEAVY
from airouter.failures import Failure, invalid_field
from airouter.responses.items import item_fields, output_items, split_items, with_ids
from airouter.responses.page import Page
from airouter.responses.records import guarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.bounds.held_bytes import Holding
    from airouter.eventloop.aside import Aside
    from airouter.eventloop.turns import Turns
    from airouter.state.base import Store

logger = logging.getLogger("airouter.responses")

T = TypeVar("T")

Json = dict[str, Any]
MOST_ITEMS = 10_000
MOST_AT_ONCE = 20
"""Items that a client adds with one request."""
MOST_BYTES = 33_554_432
"""Of all items: each change reads and writes them all."""
ALL_ADDED = Page(limit=MOST_AT_ONCE, order="asc")


class StoredConversation(msgspec.Struct):
    """A conversation as it is stored."""

    id: str
    created_at: int
    metadata: dict[str, str] = {}
    items: list[memoryview] = []
    """Each with its id; views of what is stored, for a copy of all of them takes its time."""

    @property
    def size(self) -> int:
        """Bytes of all items."""
        return sum(map(len, self.items))

    def as_json(self) -> Json:
        """Return the conversation as clients get it."""
        return {
            "id": self.id,
            "object": "conversation",
            "created_at": self.created_at,
            "metadata": self.metadata,
        }


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(StoredConversation)


class Conversations:
    """The conversations of one tenant."""

    def __init__(
        self, store: Store, tenant: str, turns: Turns, aside: Aside, recalled: Holding
    ) -> None:
        """One that is large is read, and each is changed, when it is its turn.

        Many bytes of items are parsed beside the event loop; as `recalled` are held those of which
        a client wants some, until it has them, and what is large until it is its turn.
        """
        self._store = store
        self._recalled = recalled
        self._turns = turns
        self._tenant = tenant
        self.aside = aside

    async def create(
        self, metadata: dict[str, str], items: list[msgspec.Raw]
    ) -> StoredConversation:
        """Create a conversation. Raises `Failure` 400, 503."""
        check_metadata(metadata)
        check_number(items)
        made = StoredConversation(f"conv_{secrets.token_hex(24)}", int(time.time()), metadata)
        made.items = [memoryview(item) for item in await self._with_ids(items)]
        await guarded(self._store.put(self._key(made.id), _encoder.encode(made)))
        return made

    async def find(self, id_: str) -> StoredConversation:
        """Return a conversation. Raises `Failure` 404, 503."""
        (data,) = await guarded(self._store.get([self._key(id_)]))
        if data is None:
            raise conversation_not_found(id_)
        if len(data) > HEAVY:
            with self._recalled.another(len(data)):
                await self._turns.turn()
        return _decoder.decode(data)

    async def describe(self, id_: str, metadata: dict[str, str]) -> StoredConversation:
        """Replace the metadata. Raises `Failure` 400, 404, 503."""
        check_metadata(metadata)

        def change(known: StoredConversation) -> None:
            known.metadata = metadata

        return await self._change(id_, change)

    async def forget(self, id_: str) -> None:
        """Delete a conversation. Raises `Failure` 404, 503."""
        await self.find(id_)
        await guarded(self._store.delete([self._key(id_)]))

    async def add(self, id_: str, items: list[msgspec.Raw]) -> bytes:
        """Add a few items, and return a page of them. Raises `Failure` 400, 404, 503."""
        check_number(items)
        added = await self.extend(id_, items)
        return await self.aside.by_size(size_of(added), partial(ALL_ADDED.of, added))

    async def extend(
        self, id_: str, items: list[msgspec.Raw], *, is_owed: bool = False
    ) -> list[msgspec.Raw]:
        """Add as many items as a response has, and return them. Raises `Failure` 400, 404, 503.

        Those of an answer are owed.
        """
        added = await self._with_ids(items, is_owed=is_owed)

        def change(known: StoredConversation) -> None:
            known.items += [memoryview(item) for item in added]
            if len(known.items) > MOST_ITEMS or known.size > MOST_BYTES:
                what = f"A conversation has at most {MOST_ITEMS} items of {MOST_BYTES} bytes."
                raise Failure(400, what, param="items", code="too_many_items")

        await self._change(id_, change)
        return added

    async def item(self, id_: str, item_id: str) -> bytes:
        """Return an item. Raises `Failure` 404, 503."""

        def named(items: list[msgspec.Raw]) -> bytes | None:
            return next((bytes(item) for item in items if item_fields(item).id == item_id), None)

        found = await self._read(id_, named)
        if found is None:
            raise conversation_item_not_found(item_id)
        return found

    async def page(self, id_: str, page: Page) -> bytes:
        """Return a page of the items. Raises `Failure` 400, 404, 503."""
        return await self._read(id_, page.of)

    async def remove(self, id_: str, item_id: str) -> StoredConversation:
        """Delete an item. Raises `Failure` 404, 503."""
        removed = await self.item(id_, item_id)

        def change(known: StoredConversation) -> None:
            at = next((n for n, item in enumerate(known.items) if is_same(item, removed)), None)
            if at is None:  # somebody else was quicker
                raise conversation_item_not_found(item_id)
            del known.items[at]

        return await self._change(id_, change)

    async def _read(self, id_: str, read: Callable[[list[msgspec.Raw]], T]) -> T:
        """Return what is read of the items, which are held meanwhile. Raises `Failure`."""
        with self._recalled as recalled:
            known = await self.find(id_)
            recalled.resize(known.size, OF_A_BODY)
            return await self.aside.by_size(
                known.size, lambda: read([msgspec.Raw(item) for item in known.items])
            )

    async def _with_ids(
        self, items: list[msgspec.Raw], *, is_owed: bool = False
    ) -> list[msgspec.Raw]:
        """Return items all of which have ids. Raises `Failure` 400, 503."""
        identified = partial(with_ids, items, secrets.token_hex(16))
        return await self.aside.by_size(size_of(items), identified, is_owed=is_owed)

    async def _change(
        self, id_: str, change: Callable[[StoredConversation], None]
    ) -> StoredConversation:
        known: StoredConversation | None = None

        def changed(data: bytes | None) -> bytes | None:
            nonlocal known
            known = None if data is None else _decoder.decode(data)
            if known is None:
                return None
            change(known)
            return _encoder.encode(known)

        await self._turns.turn()
        await guarded(self._store.update(self._key(id_), changed))
        if known is None:
            raise conversation_not_found(id_)
        return known

    def _key(self, id_: str) -> str:
        return f"conversation:{self._tenant}:{id_}"


class ConversationAppender:
    """Adds a turn to its conversation."""

    def __init__(self, conversations: Conversations, id_: str) -> None:
        self._conversations = conversations
        self._id = id_

    async def append(self, items: bytes, response: bytes) -> None:
        """Add what was asked and what was answered, however many others wait.

        A failure is only logged: of the store, or of a conversation that is full or gone.
        """

        def turn() -> list[msgspec.Raw]:
            return [*split_items(items), *split_items(output_items(response))]

        try:
            size = len(items) + len(response)
            added = await self._conversations.aside.by_size(size, turn, is_owed=True)
            await self._conversations.extend(self._id, added, is_owed=True)
        except Failure as failure:
            logger.warning("a response is not in its conversation: %s", failure.message)


def size_of(items: list[msgspec.Raw]) -> int:
    """Return the bytes of items."""
    return sum(len(memoryview(item)) for item in items)


def is_same(item: memoryview, other: bytes) -> bool:
    """Return whether two items are the same: each has an id of its own."""
    return len(item) == len(other) and bytes(item) == other


def check_number(items: list[msgspec.Raw]) -> None:
    """Refuse too many items at once. Raises `Failure` 400."""
    if len(items) > MOST_AT_ONCE:
        raise invalid_field("items", f"At most {MOST_AT_ONCE} items are added at once.")


def conversation_not_found(id_: str) -> Failure:
    """Return the failure for a conversation that is not kept, or is another tenant's."""
    return Failure(404, f"Conversation with id '{id_[:256]}' not found.", code="not_found")


def conversation_item_not_found(id_: str) -> Failure:
    """Return the failure for an item that the conversation has not."""
    return Failure(404, f"Item with id '{id_[:256]}' not found.", code="not_found")
