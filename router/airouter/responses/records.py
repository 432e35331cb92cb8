"""Stored responses, and the history that a request goes on from.

A record has what its own turn added, and names the responses before it. So a chain is stored once,
however long it is, and read with two questions. Every `CHECKPOINT` turns a record has all that came
before in itself, which bounds the second question.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from airouter.bounds.held_bytes import OF_A_BODY, OF_A_HISTORY
from airouter.eventloop.turns import HEAVY
from airouter.failures import previous_not_found, response_not_found, store_unavailable
from airouter.responses.items import item_fields, joined_items, output_items, split_items
from airouter.state.base import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from airouter.bounds.held_bytes import Holding
    from airouter.eventloop.aside import Aside
    from airouter.eventloop.turns import Turns
    from airouter.responses.pinning import Pin
    from airouter.state.base import Store

logger = logging.getLogger("airouter.responses")

T = TypeVar("T")

CHECKPOINT = 64
COMPACTION = "compaction"


class StoredResponse(msgspec.Struct):
    """A response and its input. Items are rows of JSON without brackets around them."""

    id: str
    response: bytes
    """The response object, as the client got it."""
    items: bytes = b""
    """The input of its own turn."""
    before: bytes = b""
    """All items before its turn that `ancestors` do not have."""
    ancestors: tuple[str, ...] = ()
    """The ids of the responses that it goes on from, the first one first."""
    model: str = ""
    events: int = 0
    """How many batches of events are kept beside it: see `background.py`."""
    beat: float = 0.0
    """Of a response in the background: when its router was last seen at work, in Unix seconds."""


class RecordWithoutItems(msgspec.Struct):
    """A record, of which a change leaves the items as they are: they may have many megabytes."""

    id: str
    response: bytes
    items: msgspec.Raw
    before: msgspec.Raw
    ancestors: tuple[str, ...]
    model: str
    events: int
    beat: float

    def opened(self) -> StoredResponse:
        """Return the record without its items."""
        return StoredResponse(
            self.id,
            self.response,
            ancestors=self.ancestors,
            model=self.model,
            events=self.events,
            beat=self.beat,
        )

    def changed_to(self, new: StoredResponse) -> bytes:
        """Return what is stored from now on; a new record without items has those of this one."""
        fields = msgspec.structs.asdict(new)
        fields["items"] = new.items or self.items
        fields["before"] = new.before or self.before
        return _encoder.encode(fields)


class EventsOfRecord(msgspec.Struct):
    """As much of a record as tells how many batches of events it has."""

    events: int


class History(NamedTuple):
    """Everything before a turn."""

    ancestors: tuple[str, ...] = ()
    """Stored responses that have the items, if they are all stored."""
    items: bytes = b""
    """All of them."""
    stored: bool = True
    pin: Pin | None = None
    """A response that its provider keeps, before all of them."""

    def followed_by(self, id_: str, items: bytes, output: bytes, *, stored: bool) -> History:
        """Return the history of the next turn."""
        compacted = after_compaction(output)
        if compacted is not None:
            return History((), compacted, stored=False)
        ancestors = (*self.ancestors, id_)
        rows = joined_items((self.items, items, output))
        return History(ancestors, rows, self.stored and stored, self.pin)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(StoredResponse)
_without_items = msgspec.msgpack.Decoder(RecordWithoutItems)
_events = msgspec.msgpack.Decoder(EventsOfRecord)


class Archive:
    """The records of one tenant."""

    __slots__ = ("_recalled", "_store", "_turns", "tenant")

    def __init__(self, store: Store, tenant: str, turns: Turns, recalled: Holding) -> None:
        """A large record is read when it is its turn, and until then held as `recalled` is."""
        self._store = store
        self._turns = turns
        self._recalled = recalled
        self.tenant = tenant

    def key(self, id_: str) -> str:
        """Return the key of a response in the store."""
        return f"response:{self.tenant}:{id_}"

    async def find(self, id_: str) -> StoredResponse:
        """Return a record. Raises `Failure` 404, 503."""
        data = await self._read(id_)
        if len(data) <= HEAVY:
            return _decoder.decode(data)
        with self._recalled.another(len(data), OF_A_BODY):
            await self._turns.turn()
            return _decoder.decode(data)

    async def check(self, id_: str) -> None:
        """Return if a record is kept. Raises `Failure` 404, 503."""
        await self._read(id_)

    async def history_after(self, id_: str, aside: Aside, recalled: Holding) -> History:
        """Return the history after a response, held as it is read. Raises `Failure` 400, 503."""
        (data,) = await self._get([id_])
        if data is None:
            raise previous_not_found(id_)
        recalled.grow(len(data), OF_A_HISTORY)
        record = await aside.by_size(len(data), partial(_decoder.decode, data))
        earlier = await self._get(record.ancestors)
        if None in earlier:
            raise previous_not_found(id_)
        known = [each for each in earlier if each is not None]
        size = sum(map(len, known))
        recalled.grow(size, OF_A_HISTORY)
        return await aside.by_size(len(data) + size, partial(history_of, record, known))

    async def keep(self, record: StoredResponse) -> None:
        """Store a record, instead of the one there was. Raises `StoreError`."""
        await self._store.put(self.key(record.id), _encoder.encode(record))

    async def change(
        self, id_: str, change: Callable[[StoredResponse], StoredResponse | None]
    ) -> StoredResponse:
        """Change a record, which `change` and the caller get without its items.

        None leaves it as it is. Raises `Failure` 404, 503.
        """
        known: StoredResponse | None = None

        def changed(data: bytes | None) -> bytes | None:
            nonlocal known
            known = None
            if data is None:
                return None
            stored = _without_items.decode(data)
            known = stored.opened()
            new = change(known)
            if new is None:
                return data
            known = new
            return stored.changed_to(new)

        await guarded(self._store.update(self.key(id_), changed))
        if known is None:
            raise response_not_found(id_)
        return known

    async def forget(self, id_: str) -> None:
        """Delete a record and its events. Raises `Failure` 404, 503."""
        events = _events.decode(await self._read(id_)).events
        keys = [self.key(id_), *self._batches(id_, range(events))]
        await guarded(self._store.delete(keys))

    async def keep_events(self, id_: str, number: int, events: bytes) -> None:
        """Store one batch of a response's events. Raises `Failure` 503."""
        (key,) = self._batches(id_, [number])
        await guarded(self._store.put(key, events))

    async def events(self, id_: str, first: int, last: int) -> list[bytes | None]:
        """Return batches of events, `last` not among them. Raises `Failure` 503."""
        return await guarded(self._store.get(self._batches(id_, range(first, last))))

    def _batches(self, id_: str, numbers: Iterable[int]) -> list[str]:
        """Return the keys of batches: at no id that a client could name."""
        return [f"events:{self.tenant}:{id_}/{number}" for number in numbers]

    async def _read(self, id_: str) -> bytes:
        (data,) = await self._get([id_])
        if data is None:
            raise response_not_found(id_)
        return data

    async def _get(self, ids: Sequence[str]) -> list[bytes | None]:
        if not ids:
            return []
        return await guarded(self._store.get([self.key(id_) for id_ in ids]))


def history_of(record: StoredResponse, earlier: Iterable[bytes]) -> History:
    """Return the history after a response, of its record and those of its ancestors."""
    rows = [record.before]
    for each in map(_decoder.decode, earlier):
        rows += [each.before, each.items, output_items(each.response)]
    before = History(record.ancestors, joined_items(rows))
    return before.followed_by(record.id, record.items, output_items(record.response), stored=True)


def recorded(
    id_: str, response: bytes, items: bytes, context: History, model: str
) -> StoredResponse:
    """Return the record of a turn."""
    if context.stored and len(context.ancestors) < CHECKPOINT:
        return StoredResponse(id_, response, items, b"", context.ancestors, model)
    return StoredResponse(id_, response, items, context.items, (), model)


def after_compaction(output: bytes) -> bytes | None:
    """Return the newest compaction of an output and what follows it, or None."""
    if output.find(b'"compaction"') < 0:  # "in" takes four times as long
        return None
    items = split_items(output)
    at = max(
        (n for n, item in enumerate(items) if item_fields(item).type == COMPACTION), default=None
    )
    return None if at is None else joined_items(bytes(item) for item in items[at:])


async def guarded(asking: Awaitable[T]) -> T:
    """Await a store. Raises `Failure` 503 when it does not work."""
    try:
        return await asking
    except StoreError as error:
        logger.warning("the store of responses: %s", error)
        raise store_unavailable() from None
