"""What is kept of responses, for those who ask: read, followed, cancelled, deleted.

A response that its provider keeps is asked for there, by the account that its id names.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from airouter.dialects.responses.usage import UsageReader
from airouter.failures import Failure, invalid_field, response_not_found, upstream_unreachable
from airouter.interfaces import UpstreamError
from airouter.responses.background import alive
from airouter.responses.items import read, split, with_ids
from airouter.responses.pinning import Renamer, unpinned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from airouter.auth import Principal
    from airouter.dialects.responses.usage import Rename
    from airouter.interfaces import Reply
    from airouter.responses.pinning import Pin
    from airouter.responses.service import ResponsesService
    from airouter.serving import Account, ServingState

KEEPING = ("responses", "router")
"""How those are spoken to who keep responses."""
MOST_LISTED = 100
LISTED = 20


class Page(NamedTuple):
    """Which items of a list are wanted."""

    after: str | None = None
    limit: int = LISTED
    order: str = "desc"

    def of(self, items: Sequence[msgspec.Raw]) -> bytes:
        """A page of items that have ids. Raises `Failure` 400, 404."""
        if not 1 <= self.limit <= MOST_LISTED:
            raise invalid_field("limit", f"'limit' must be from 1 to {MOST_LISTED}.")
        if self.order not in ("asc", "desc"):
            raise invalid_field("order", "'order' must be 'asc' or 'desc'.")
        found = list(items) if self.order == "asc" else list(reversed(items))
        ids = [read(item).id for item in found]
        if self.after is not None:
            if self.after not in ids:
                raise invalid_field("after", f"'after' names no item: '{self.after[:256]}'.")
            start = ids.index(self.after) + 1
            found, ids = found[start:], ids[start:]
        page = {
            "object": "list",
            "data": found[: self.limit],
            "first_id": ids[0] if ids else None,
            "last_id": ids[: self.limit][-1] if ids else None,
            "has_more": len(ids) > self.limit,
        }
        return msgspec.json.encode(page)


class StoredResponses:
    """The responses of one principal, wherever they are kept."""

    def __init__(
        self, service: ResponsesService, principal: Principal, serving: ServingState
    ) -> None:
        self._service = service
        self._archive = service.archive_of(principal)
        self._tenant = principal.tenant
        self._serving = serving

    async def retrieve(self, id_: str, query: Mapping[str, str]) -> bytes:
        """A response. Raises `Failure`."""
        pin = self._pin(id_)
        if pin is not None:
            return await self._ask(b"GET", pin, id_, "", query)
        return alive(await self._archive.find(id_)).response

    async def follow(self, id_: str, after: int, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        """The events of a response with greater numbers. Raises `Failure`."""
        pin = self._pin(id_)
        if pin is not None:
            reply = await self._reply(b"GET", pin, id_, "", query)
            return relayed(reply, self._renamer(pin, id_))
        record = await self._archive.find(id_)
        if not msgspec.json.decode(record.response).get("background"):
            what = "Only a response that was made in the background can be streamed again."
            raise Failure(400, what, param="stream", code="invalid_request")
        return self._service.jobs.follow(self._archive, id_, after)

    async def delete(self, id_: str) -> bytes:
        """Forget a response. Raises `Failure`."""
        pin = self._pin(id_)
        if pin is not None:
            return await self._ask(b"DELETE", pin, id_)
        await self._archive.forget(id_)
        return msgspec.json.encode({"id": id_, "object": "response", "deleted": True})

    async def cancel(self, id_: str) -> bytes:
        """Stop a response in the background. Raises `Failure`."""
        pin = self._pin(id_)
        if pin is not None:
            return await self._ask(b"POST", pin, id_, "/cancel")
        return (await self._service.jobs.cancel(self._archive, id_)).response

    async def input_items(self, id_: str, page: Page, query: Mapping[str, str]) -> bytes:
        """A page of what a response was asked. Raises `Failure`."""
        pin = self._pin(id_)
        if pin is not None:
            return await self._ask(b"GET", pin, id_, "/input_items", query)
        record = await self._archive.find(id_)
        return page.of(with_ids(split(record.items), f"{id_.removeprefix('resp_')}i"))

    # Where a provider keeps it.

    def _pin(self, id_: str) -> Pin | None:
        return unpinned(id_, self._service.sealer, self._tenant)

    def _account(self, pin: Pin, id_: str) -> Account:
        account = self._serving.accounts.get(pin.credential)
        if account is None:
            raise response_not_found(id_)
        return account

    def _renamer(self, pin: Pin, id_: str) -> Rename:
        renamer = Renamer(self._service.sealer, self._tenant)
        renamer.know(pin.id, id_)
        return partial(renamer, pin.credential)

    async def _ask(
        self,
        method: bytes,
        pin: Pin,
        id_: str,
        tail: str = "",
        query: Mapping[str, str] | None = None,
    ) -> bytes:
        reply = await self._reply(method, pin, id_, tail, query or {})
        try:
            return self._renamer(pin, id_)(await reply.read())
        except UpstreamError as error:
            raise upstream_unreachable(error.kind) from None
        finally:
            reply.close()

    async def _reply(
        self, method: bytes, pin: Pin, id_: str, tail: str, query: Mapping[str, str]
    ) -> Reply:
        """A good answer of the provider. Raises `Failure`."""
        account = self._account(pin, id_)
        binding = account.provider.bind("responses", account.credential, "")
        if binding is None or binding.speech not in KEEPING:
            raise response_not_found(id_)
        root, _, version = binding.path.partition("?")
        asked = "&".join(part for part in (version, urlencode(query)) if part)
        path = f"{root}/{quote(pin.id, safe='')}{tail}"
        try:
            reply = await account.fetch(method, f"{path}?{asked}" if asked else path)
            if 200 <= reply.status < 300:
                return reply
            body = await reply.read()
        except UpstreamError as error:
            raise upstream_unreachable(error.kind) from None
        reply.close()
        failure = account.provider.failure(reply.status, reply.headers, body, account.credential)
        failure.message = failure.message.replace(pin.id, id_)
        raise failure


async def relayed(reply: Reply, rename: Rename) -> AsyncIterator[bytes]:
    """The events that a provider replays."""
    relay = Relay(reply)
    relaying = asyncio.create_task(relay.run(UsageReader(relay.put, rename)))
    try:
        while (piece := await relay.next()) is not None:
            yield piece
    finally:
        relaying.cancel()
        reply.close()


class Relay:
    """A short queue between a provider's stream and a client that awaits each piece."""

    MOST = 65_536

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._size = 0

    async def run(self, reader: UsageReader) -> None:
        """Read to the end."""
        try:
            await self._reply.relay(reader.feed)
            reader.finish()
        except UpstreamError as error:
            reader.break_off(upstream_unreachable(error.kind))
        finally:
            self._pieces.put_nowait(None)

    def put(self, data: bytes) -> None:
        """A piece has come."""
        self._pieces.put_nowait(data)
        self._size += len(data)
        if self._size > self.MOST:
            self._reply.pause()

    async def next(self) -> bytes | None:
        """The next piece; None at the end."""
        piece = await self._pieces.get()
        if piece is not None:
            self._size -= len(piece)
            if self._size <= self.MOST:
                self._reply.resume()
        return piece
