"""Conversation objects: items that responses go on from and add to."""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.responses.validation import check_metadata
from airouter.eventloop.turns import HEAVY
from airouter.failures import Failure, invalid_field
from airouter.responses.items import item_fields, output_items, split_items, with_ids
from airouter.responses.records import guarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.eventloop.turns import Turns
    from airouter.state.base import Store

logger = logging.getLogger("airouter.responses")

Json = dict[str, Any]
MOST_ITEMS = 10_000
MOST_AT_ONCE = 20
"""Items that a client adds with one request."""
MOST_BYTES = 33_554_432
"""Of all items: each change reads and writes them all."""


class StoredConversation(msgspec.Struct):
    """A conversation as it is stored."""

    id: str
    created_at: int
    metadata: dict[str, str] = {}
    items: list[bytes] = []
    """Each with its id."""

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

    def __init__(self, store: Store, tenant: str, turns: Turns) -> None:
        """One that is large is read, and each is changed, when it is its turn."""
        self._store = store
        self._turns = turns
        self._tenant = tenant

    async def create(
        self, metadata: dict[str, str], items: list[msgspec.Raw]
    ) -> StoredConversation:
        """Create a conversation. Raises `Failure` 400, 503."""
        check_metadata(metadata)
        check_number(items)
        made = StoredConversation(f"conv_{secrets.token_hex(24)}", int(time.time()), metadata)
        made.items = [bytes(item) for item in with_ids(items, secrets.token_hex(16))]
        await guarded(self._store.put(self._key(made.id), _encoder.encode(made)))
        return made

    async def find(self, id_: str) -> StoredConversation:
        """Return a conversation. Raises `Failure` 404, 503."""
        (data,) = await guarded(self._store.get([self._key(id_)]))
        if data is None:
            raise conversation_not_found(id_)
        if len(data) > HEAVY:
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

    async def add(self, id_: str, items: list[msgspec.Raw]) -> list[msgspec.Raw]:
        """Add a few items, and return them with their ids. Raises `Failure` 400, 404, 503."""
        check_number(items)
        return await self.extend(id_, items)

    async def extend(self, id_: str, items: list[msgspec.Raw]) -> list[msgspec.Raw]:
        """Add as many items as a response has, and return them. Raises `Failure` 400, 404, 503."""
        added = with_ids(items, secrets.token_hex(16))

        def change(known: StoredConversation) -> None:
            known.items += [bytes(item) for item in added]
            if len(known.items) > MOST_ITEMS or sum(map(len, known.items)) > MOST_BYTES:
                what = f"A conversation has at most {MOST_ITEMS} items of {MOST_BYTES} bytes."
                raise Failure(400, what, param="items", code="too_many_items")

        await self._change(id_, change)
        return added

    async def item(self, id_: str, item_id: str) -> msgspec.Raw:
        """Return an item. Raises `Failure` 404, 503."""
        for item in (await self.find(id_)).items:
            if item_fields(msgspec.Raw(item)).id == item_id:
                return msgspec.Raw(item)
        raise conversation_item_not_found(item_id)

    async def remove(self, id_: str, item_id: str) -> StoredConversation:
        """Delete an item. Raises `Failure` 404, 503."""

        def change(known: StoredConversation) -> None:
            kept = [item for item in known.items if item_fields(msgspec.Raw(item)).id != item_id]
            if len(kept) == len(known.items):
                raise conversation_item_not_found(item_id)
            known.items = kept

        return await self._change(id_, change)

    async def _change(
        self, id_: str, change: Callable[[StoredConversation], None]
    ) -> StoredConversation:
        def changed(data: bytes | None) -> bytes | None:
            if data is None:
                return None
            known = _decoder.decode(data)
            change(known)
            return _encoder.encode(known)

        await self._turns.turn()
        data = await guarded(self._store.update(self._key(id_), changed))
        if data is None:
            raise conversation_not_found(id_)
        return _decoder.decode(data)

    def _key(self, id_: str) -> str:
        return f"conversation:{self._tenant}:{id_}"


class ConversationAppender:
    """Adds a turn to its conversation."""

    def __init__(self, conversations: Conversations, id_: str) -> None:
        self._conversations = conversations
        self._id = id_

    async def append(self, items: bytes, response: bytes) -> None:
        """Add what was asked and what was answered; a failure is only logged."""
        try:
            turn = [*split_items(items), *split_items(output_items(response))]
            await self._conversations.extend(self._id, turn)
        except Failure as failure:
            logger.warning("a response is not in its conversation: %s", failure.message)


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
