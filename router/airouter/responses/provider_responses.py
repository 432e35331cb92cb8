"""Responses that a provider keeps, asked for there by the account that their ids name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from airouter.dialects.raw_json import mended
from airouter.dialects.responses.calls import with_mended_calls
from airouter.failures import response_not_found, upstream_failed
from airouter.interfaces import UpstreamError
from airouter.responses.item_ids import bare_id
from airouter.responses.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.dialects.responses.usage import Rename
    from airouter.interfaces import Reply
    from airouter.responses.pinning import Pin
    from airouter.responses.tenant import Tenant
    from airouter.serving.account import Account
    from airouter.serving.state import ServingState


class ProviderResponses:
    """The responses of one tenant at providers. Each method raises `Failure`."""

    def __init__(self, tenant: Tenant, serving: ServingState) -> None:
        self._tenant = tenant
        self._tenant.renamer.tags_items = True
        self._serving = serving

    async def ask(
        self,
        method: bytes,
        pin: Pin,
        id_: str,
        tail: str = "",
        query: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return the provider's answer about a response, which the client calls `id_`."""
        reply = await self._reply(method, pin, id_, tail, query or {})
        try:
            body = self._rename(pin, id_)(mended(with_mended_calls, await reply.read()))
            return self._account(pin, id_).masking.body(body)
        except UpstreamError as error:
            raise upstream_failed(error.kind, error.told) from None
        finally:
            reply.close()

    async def replay(self, pin: Pin, id_: str, query: Mapping[str, str]) -> Relay:
        """Return the events of a response."""
        reply = await self._reply(b"GET", pin, id_, "", query)
        return Relay(reply, self._rename(pin, id_))

    def _rename(self, pin: Pin, id_: str) -> Rename:
        renamer = self._tenant.renamer
        renamer.know(pin.id, id_)
        return partial(renamer, pin.credential)

    async def _reply(
        self, method: bytes, pin: Pin, id_: str, tail: str, query: Mapping[str, str]
    ) -> Reply:
        """Return a good answer of the provider."""
        account = self._account(pin, id_)
        binding = account.provider.bind("responses", account.credential, "")
        if binding is None or not binding.api.keeps_responses:
            raise response_not_found(id_)
        root, _, version = binding.path.partition("?")
        bare = {name: bare_id(value) for name, value in query.items()}
        asked = "&".join(part for part in (version, urlencode(bare)) if part)
        path = f"{root}/{quote(pin.id, safe='')}{tail}"
        try:
            reply = await account.fetch(method, f"{path}?{asked}" if asked else path)
            if 200 <= reply.status < 300:
                return reply
            body = await reply.read()
        except UpstreamError as error:
            raise upstream_failed(error.kind, error.told) from None
        reply.close()
        failure = account.provider.failure(reply.status, reply.headers, body, account.credential)
        failure.message = failure.message.replace(pin.id, id_)
        raise failure

    def _account(self, pin: Pin, id_: str) -> Account:
        account = self._serving.accounts.get(pin.credential)
        if account is None:
            raise response_not_found(id_)
        return account
