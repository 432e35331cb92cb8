"""Answers to pods that report the use of keys, beside their polls."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from airouter.bookkeeping.key_use import LARGEST_REPORT, UseReport
from airouter.config.delivery import Undeliverable
from airouter.untrusted import decoded
from airouter_operator.delivering.channel import has_token
from airouter_operator.kube.objects import ObjectKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter_operator.delivering.channels import Channels
    from airouter_operator.delivering.key_uses import KeyUses

READING = 5.0
"""Seconds for a report to come in."""
REPORTS = msgspec.json.Decoder(UseReport)


class KeyUseServer:
    """Takes reports of pods."""

    def __init__(
        self,
        channels: Channels,
        uses: KeyUses,
        leads: Callable[[], bool],
        ready: Callable[[], bool],
    ) -> None:
        """Have `uses` know what is reported; the rest as `StreamServer`."""
        self._channels = channels
        self._uses = uses
        self._leads = leads
        self._ready = ready

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a report, of a pod that shows the token of its RouterConfig."""
        key = ObjectKey(request.match_info["namespace"], request.match_info["name"])
        channel = self._channels.get(key) if self._leads() else None
        if not has_token(channel, request.headers.get("authorization", "")):
            return web.Response(status=401 if self._ready() else 503)
        try:
            async with asyncio.timeout(READING):
                body = await request.clone(client_max_size=LARGEST_REPORT).read()
            report = decoded(REPORTS, body, Undeliverable, "is not the JSON of a UseReport")
        except TimeoutError:
            return web.Response(status=408)
        except Undeliverable:
            return web.Response(status=400)
        if self._uses.has_ended or self._channels.get(key) is not channel:
            return web.Response(status=503)
        self._uses.take(key, report)
        return web.Response(status=204)
