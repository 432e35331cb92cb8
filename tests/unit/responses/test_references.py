"""References to items of earlier responses: read once each, and no more than fit into a body."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest

from airouter.bounds.held_bytes import HeldBytes, Holding
from airouter.eventloop.aside import Aside
from airouter.eventloop.turns import Turns
from airouter.failures import Failure
from airouter.responses import references
from airouter.responses.items import has_references
from airouter.responses.records import Archive, StoredResponse
from airouter.responses.references import (
    MOST_REFERENCES,
    MOST_RESPONSES,
    with_references_resolved,
)
from airouter.state.memory import MemoryStore


class CountingStore(MemoryStore):
    """A store that counts what it is asked for."""

    def __init__(self) -> None:
        super().__init__(ttl=60, max_entries=1_000)
        self.read: list[str] = []

    async def get(self, keys: Sequence[str]) -> list[bytes | None]:
        self.read += keys
        return await super().get(keys)


def turns() -> Turns:
    return Turns(asyncio.get_running_loop())


def recalled(limit: int = 1 << 30) -> Holding:
    return HeldBytes(limit).hold("t", 0)


@pytest.fixture
async def aside() -> AsyncIterator[Aside]:
    made = Aside()
    yield made
    await made.close()


async def stored(store: CountingStore, name: str, items: int, text: str = "hi") -> list[str]:
    """Store a response, and return the ids of its items."""
    ids = [f"msg_{name}{number:04d}" for number in range(items)]
    output = [{"type": "message", "id": id_, "role": "assistant", "content": text} for id_ in ids]
    response = msgspec.json.encode({"id": f"resp_{name}", "output": output})
    await Archive(store, "t", turns(), HeldBytes(1 << 30).hold("t", 0)).keep(
        StoredResponse(f"resp_{name}", response)
    )
    return ids


async def resolved(
    row: bytes, store: CountingStore, aside: Aside, *, all_here: bool = True
) -> bytes:
    """A row with what it refers to."""
    archive = Archive(store, "t", turns(), HeldBytes(1 << 30).hold("t", 0))
    return await with_references_resolved(row, archive, aside, recalled(), all_here=all_here)


def referring(ids: Sequence[str]) -> bytes:
    """A row of references."""
    references = ({"type": "item_reference", "id": id_} for id_ in ids)
    return b",".join(map(msgspec.json.encode, references))


async def test_a_response_is_read_once_however_often_it_is_referred_to(aside: Aside) -> None:
    store = CountingStore()
    ids = [*await stored(store, "one", 20, "x" * 20_000), *await stored(store, "two", 1)]
    row = await resolved(referring([*ids, *ids]), store, aside)
    found = msgspec.json.decode(b"[" + row + b"]")
    assert [item["id"] for item in found] == [*ids, *ids]
    assert store.read == ["response:t:resp_one", "response:t:resp_two"]


async def test_a_response_that_is_not_there_is_looked_for_once(aside: Aside) -> None:
    store = CountingStore()
    row = referring(["msg_x0000", "msg_x0001"])
    assert await resolved(row, store, aside, all_here=False) == row
    assert store.read == ["response:t:resp_x"]


async def refused(row: bytes, store: CountingStore, aside: Aside) -> str | None:
    """The field that a refusal names."""
    with pytest.raises(Failure) as caught:
        await resolved(row, store, aside)
    assert caught.value.status == 400
    return caught.value.param


async def test_too_many_references_are_refused_before_any_is_looked_for(aside: Aside) -> None:
    store = CountingStore()
    row = referring(["msg_x0000"] * (MOST_REFERENCES + 1))
    assert await refused(row, store, aside) == "input"
    assert store.read == []


async def test_references_to_too_many_responses_are_refused(aside: Aside) -> None:
    store = CountingStore()
    ids = [id_ for n in range(MOST_RESPONSES + 1) for id_ in await stored(store, f"r{n}x", 1)]
    assert await refused(referring(ids), store, aside) == f"input[{MOST_RESPONSES}]"


async def test_items_that_make_a_request_too_large_are_refused(
    aside: Aside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "MOST_BYTES", 10_000)
    store = CountingStore()
    (id_,) = await stored(store, "one", 1, "x" * 3_000)
    assert await refused(referring([id_] * 10), store, aside) == "input[3]"
    ids = [id_ for n in range(5) for id_ in await stored(store, f"r{n}x", 1, "x" * 3_000)]
    assert await refused(referring(ids), store, aside) == "input[3]"


@pytest.mark.parametrize("type_", ["", ',"type":null'])
async def test_an_item_with_nothing_but_an_id_is_a_reference(aside: Aside, type_: str) -> None:
    store = CountingStore()
    (id_,) = await stored(store, "one", 1)
    row = f'{{"id":"{id_}"{type_}}}'.encode()
    assert has_references(row)
    found = await resolved(row, store, aside)
    assert msgspec.json.decode(found)["content"] == "hi"


@pytest.mark.parametrize(
    "written",
    ['{"type":null,"id":"msg_1"}', '{"id":"msg_1","role":null}', '{ "note" : 1, "id" : "msg_1" }'],
)
def test_an_item_with_an_id_and_no_role_is_a_reference_however_it_is_written(written: str) -> None:
    assert has_references(written.encode())


def test_an_item_that_has_more_than_an_id_is_no_reference() -> None:
    assert not has_references(b'{"id":"msg_1","role":"user","content":"{\\"id\\":\\"x\\"}"}')
