"""Exchanges of pods with the ledger of their RouterConfig, beside their polls: one a second.

Only a replica that surely leads answers: two of them would each grant all of a limit. Any other
sends pods away, which find the one that does as they do for their polls.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from airouter.config.delivery import MAX_LEDGER_MESSAGE, Undeliverable
from airouter_operator.delivering.channel import has_token
from airouter_operator.delivering.ledger import MessageLate
from airouter_operator.kube.objects import ObjectKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter_operator.delivering.channels import Channels

READING = 5.0
"""Seconds for a message to come in; its pod waits for half of one."""


class ExchangeServer:
    """Answers messages to the ledgers."""

    def __init__(
        self, channels: Channels, surely_leads: Callable[[], bool], ready: Callable[[], bool]
    ) -> None:
        """Answer while this replica `surely_leads`; `ready` is that of the `StreamServer`."""
        self._channels = channels
        self._surely_leads = surely_leads
        self._ready = ready

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a message, of a pod that shows the token of its RouterConfig."""
        key = ObjectKey(request.match_info["namespace"], request.match_info["name"])
        channel = self._channels.get(key) if self._surely_leads() else None
        if channel is None or not has_token(channel, request.headers.get("authorization", "")):
            return web.Response(status=401 if self._surely_leads() and self._ready() else 503)
        try:
            async with asyncio.timeout(READING):
                body = await request.clone(client_max_size=MAX_LEDGER_MESSAGE).read()
            answer = await channel.ledger.exchange(body, self._surely_leads)
        except TimeoutError:
            return web.Response(status=408)
        except Undeliverable:
            return web.Response(status=400)
        except MessageLate:
            return web.Response(status=409)
        if answer is None or self._channels.get(key) is not channel:
            return web.Response(status=503)
        return web.Response(body=answer, content_type="application/json")
