"""The stream: a long-poll server that answers pods as soon as there is a newer snapshot.

A snapshot is served as the very bytes that are in its Secret, or as what has changed of the one
that the pod runs. The token in that Secret is all the authentication there is, so a wrong one
learns nothing: not even whether there is such a RouterConfig. What polls say of pods goes to
`pods.py`, and what follows from it to `channels.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from airouter.config.delivery import (
    BANS_PATH,
    LEDGER_PATH,
    MAX_POLL,
    USE_PATH,
    VERSION_HEADER,
    Poll,
    Undeliverable,
    decode,
)
from airouter.config.key_changes import BASE_HEADER
from airouter_operator.delivering.channel import has_token
from airouter_operator.delivering.pods import Pods, TooManyPods
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.publication import STREAM_PATH
from airouter_operator.sites import start_site

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from airouter_operator.delivering.ban_server import BanServer
    from airouter_operator.delivering.channels import Channels
    from airouter_operator.delivering.exchanges import ExchangeServer
    from airouter_operator.delivering.use_server import KeyUseServer
    from airouter_operator.publication import Publication

GRACEFUL = 1.0
BUSY_AFTER = "5"
"""Seconds, as Retry-After says it."""


class StreamServer:
    """Answers polls, on a port of its own."""

    def __init__(
        self,
        channels: Channels,
        pods: Pods,
        hold: float,
        acknowledged: Callable[[], None],
        leads: Callable[[], bool],
        ready: Callable[[], bool],
        exchanges: ExchangeServer,
        bans: BanServer,
        uses: KeyUseServer,
    ) -> None:
        """Hold polls for some seconds, and call `acknowledged` for each that says something new.

        Only the replica that `leads` has what is up to date, so any other turns pods away. Before
        it is `ready`, it cannot tell a RouterConfig that is not known yet from one that is not.
        `exchanges`, `bans` and `uses` answer on the same port.
        """
        self._channels = channels
        self._pods = pods
        self._hold = hold
        self._acknowledged = acknowledged
        self._leads = leads
        self._ready = ready
        self._exchanges = exchanges
        self._bans = bans
        self._uses = uses
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext) -> int:
        """Listen, and return the port."""
        application = web.Application(client_max_size=MAX_POLL)
        application.router.add_post(STREAM_PATH, self.answer)
        application.router.add_post(STREAM_PATH + LEDGER_PATH, self._exchanges.answer)
        application.router.add_post(STREAM_PATH + BANS_PATH, self._bans.answer)
        application.router.add_post(STREAM_PATH + USE_PATH, self._uses.answer)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            handler_cancellation=True,  # so that a pod that is gone ends its poll at once
            shutdown_timeout=GRACEFUL,
            keepalive_timeout=self._hold * 2,
        )
        return await start_site(self._runner, host, port, tls)

    async def close(self) -> None:
        """Stop listening."""
        self._bans.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a poll, once there is a newer snapshot or it was held for long enough."""
        key = ObjectKey(request.match_info["namespace"], request.match_info["name"])
        channel = self._channels.get(key) if self._leads() else None
        if not has_token(channel, request.headers.get("authorization", "")):
            status = 401 if self._ready() else 503
            return web.Response(status=status, headers={"retry-after": BUSY_AFTER})
        try:
            async with asyncio.timeout(self._hold):
                poll = decode(await request.read(), Poll)
        except TimeoutError:
            return web.Response(status=408)
        except Undeliverable:
            return web.Response(status=400)
        return await self._answer_pod(key, poll)

    async def _answer_pod(self, key: ObjectKey, poll: Poll) -> web.Response:
        try:
            news = self._pods.begin(key, poll)
        except TooManyPods:
            return web.Response(status=503, headers={"retry-after": BUSY_AFTER})
        if news:
            self._acknowledged()
            self._channels.pod_changed(key)
        try:
            return await self._wait(key, poll)
        finally:
            self._pods.end(key, poll.pod)
            self._channels.poll_ended(key)

    async def _wait(self, key: ObjectKey, poll: Poll) -> web.Response:
        """Hold a poll until there is news, or for as long as a poll is held."""
        try:
            async with asyncio.timeout(self._hold if poll.patient else 0):
                # The channel is looked up anew each time: its RouterConfig may have been deleted.
                while (channel := self._channels.get(key)) is not None:
                    if channel.has_news_for(poll):
                        return snapshot_response(channel.publication, poll)
                    await channel.changed.wait()
        except TimeoutError:
            pass
        return web.Response(status=204)


def snapshot_response(publication: Publication, poll: Poll) -> web.Response:
    """Return the response that brings a snapshot, or what has changed of the one that runs."""
    changes = publication.changes
    if changes is not None and poll.takes_changes and poll.version == changes.base:
        return web.Response(
            body=changes.content,
            content_type="application/json",
            headers={VERSION_HEADER: publication.record.version, BASE_HEADER: changes.base},
        )
    return web.Response(
        body=publication.packed,
        content_type="application/gzip",
        headers={VERSION_HEADER: publication.record.version},
    )
