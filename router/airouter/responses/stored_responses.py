"""The endpoints of stored responses: read, followed, cancelled, deleted, their input listed.

A response that its provider keeps is asked for there (`provider_responses.py`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from airouter.bounds.held_bytes import OF_A_HISTORY
from airouter.failures import Failure
from airouter.responses.background.progress import alive
from airouter.responses.items import split_items, with_ids
from airouter.responses.provider_responses import ProviderResponses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from airouter.eventloop.aside import Aside
    from airouter.responses.background.jobs import Jobs
    from airouter.responses.page import Page
    from airouter.responses.tenant import Tenant
    from airouter.serving.state import ServingState


class MadeResponse(msgspec.Struct):
    """As much of a response as tells how it was made."""

    background: bool | None = None


_made = msgspec.json.Decoder(MadeResponse)


class StoredResponses:
    """The responses of one tenant, wherever they are kept. Each method raises `Failure`."""

    def __init__(self, tenant: Tenant, jobs: Jobs, serving: ServingState, aside: Aside) -> None:
        self._aside = aside
        self._tenant = tenant
        self._jobs = jobs
        self._archive = tenant.archive
        self._elsewhere = ProviderResponses(tenant, serving)

    async def retrieve(self, id_: str, query: Mapping[str, str]) -> bytes:
        """Return a response."""
        pin = self._tenant.pin_of(id_)
        if pin is not None:
            return await self._elsewhere.ask(b"GET", pin, id_, "", query)
        return alive(await self._archive.find(id_)).response

    async def follow(self, id_: str, after: int, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Return the events of a response with greater numbers."""
        pin = self._tenant.pin_of(id_)
        if pin is not None:
            return await self._elsewhere.replay(pin, id_, query)
        record = await self._archive.find(id_)
        if not _made.decode(record.response).background:
            what = "Only a response that was made in the background can be streamed again."
            raise Failure(400, what, param="stream", code="invalid_request")
        return self._jobs.follow(self._archive, id_, after)

    async def delete(self, id_: str) -> bytes:
        """Forget a response."""
        pin = self._tenant.pin_of(id_)
        if pin is not None:
            return await self._elsewhere.ask(b"DELETE", pin, id_)
        await self._archive.forget(id_)
        return msgspec.json.encode({"id": id_, "object": "response", "deleted": True})

    async def cancel(self, id_: str) -> bytes:
        """Stop a response in the background."""
        pin = self._tenant.pin_of(id_)
        if pin is not None:
            return await self._elsewhere.ask(b"POST", pin, id_, "/cancel")
        return (await self._jobs.cancel(self._archive, id_)).response

    async def input_items(self, id_: str, page: Page, query: Mapping[str, str]) -> bytes:
        """Return a page of the items that a response was asked."""
        pin = self._tenant.pin_of(id_)
        if pin is not None:
            return await self._elsewhere.ask(b"GET", pin, id_, "/input_items", query)
        with self._tenant.recalled as recalled:
            record = await self._archive.find(id_)
            recalled.grow(len(record.items), OF_A_HISTORY)
            listed = partial(listed_items, record.items, f"{id_.removeprefix('resp_')}i", page)
            return await self._aside.by_size(len(record.items), listed)


def listed_items(items: bytes, seed: str, page: Page) -> bytes:
    """Return a page of a row of items, which get ids of `seed`. Raises `Failure` 400."""
    return page.of(with_ids(split_items(items), seed))
