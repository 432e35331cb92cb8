"""Answers to pods that tell of bans or ask for them, beside their polls.

A pod that tells something is answered at once, and one that asks once there is news for it. When
bans have begun or ended the status is due, but not more often than people read it.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from airouter.bans.notice import LARGEST_MESSAGE, BanMessage, UnreadableBans, read_bans
from airouter_operator.delivering.channel import has_token
from airouter_operator.kube.objects import ObjectKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter_operator.delivering.channel import Channel
    from airouter_operator.delivering.channels import Channels

READING = 5.0
"""Seconds for a message to come in."""
STATUS_EVERY = 5.0
"""Seconds between two statuses that bans make due."""


class BanServer:
    """Answers pods that tell of bans or ask for them."""

    def __init__(
        self,
        channels: Channels,
        hold: float,
        leads: Callable[[], bool],
        ready: Callable[[], bool],
        changed: Callable[[ObjectKey], None],
    ) -> None:
        """Call `changed` when the status should say something new; the rest as `StreamServer`."""
        self._channels = channels
        self._hold = hold
        self._leads = leads
        self._ready = ready
        self._changed = changed
        self._due: dict[ObjectKey, asyncio.TimerHandle] = {}
        """Timers of RouterConfigs whose status is due, or was a moment ago."""
        self._again: set[ObjectKey] = set()
        """Those of them that have changed since."""

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a message, of a pod that shows the token of its RouterConfig."""
        key = ObjectKey(request.match_info["namespace"], request.match_info["name"])
        channel = self._channels.get(key) if self._leads() else None
        if not has_token(channel, request.headers.get("authorization", "")) or channel is None:
            return web.Response(status=401 if self._leads() and self._ready() else 503)
        try:
            async with asyncio.timeout(READING):
                body = await request.clone(client_max_size=LARGEST_MESSAGE).read()
            message = read_bans(body, BanMessage)
        except TimeoutError:
            return web.Response(status=408)
        except UnreadableBans:
            return web.Response(status=400)
        return await self._answer_pod(key, channel, message)

    async def _answer_pod(
        self, key: ObjectKey, channel: Channel, message: BanMessage
    ) -> web.Response:
        if message.notices:
            if channel.bans.take(message.notices):
                self._report(key)
            return web.Response(status=204)
        news = await channel.bans.news(message.epoch, message.since, self._hold)
        if self._channels.get(key) is not channel:
            return web.Response(status=503)
        if news is None:
            return web.Response(status=204)
        return web.Response(body=msgspec.json.encode(news), content_type="application/json")

    def close(self) -> None:
        """Have no status written any more."""
        for timer in self._due.values():
            timer.cancel()
        self._due.clear()

    def _report(self, key: ObjectKey) -> None:
        """Have the status written now, or once the last one is not that new any more."""
        if key in self._due:
            self._again.add(key)
            return
        self._changed(key)
        loop = asyncio.get_running_loop()
        self._due[key] = loop.call_later(STATUS_EVERY, partial(self._may_report, key))

    def _may_report(self, key: ObjectKey) -> None:
        del self._due[key]
        if key in self._again:
            self._again.discard(key)
            self._report(key)
