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
    ELSEWHERE,
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
STANDING_BY = 5.0
"""Seconds in which a poll may wait for somebody to lead."""
LOOK = 0.2
"""Seconds between two looks whether somebody does."""
MOST_STANDING_BY = 5000
PACE = 0.002
"""Seconds by which each poll that is sent away delays the others that are: 500 a second."""


class StreamServer:
    """Answers polls, on a port of its own."""

    def __init__(
        self,
        channels: Channels,
        pods: Pods,
        hold: float,
        acknowledged: Callable[[], None],
        leads: Callable[[], bool],
        another_leads: Callable[[], bool],
        ready: Callable[[], bool],
        exchanges: ExchangeServer,
        bans: BanServer,
        uses: KeyUseServer,
    ) -> None:
        """Hold polls for some seconds, and call `acknowledged` for each that says something new.

        Only the replica that `leads` has what is up to date, so any other turns pods away, unless
        it may be the next to lead. Before it is `ready`, it cannot tell a RouterConfig that is not
        known yet from one that is not.
        `exchanges`, `bans` and `uses` answer on the same port.
        """
        self._channels = channels
        self._pods = pods
        self._hold = hold
        self._acknowledged = acknowledged
        self._leads = leads
        self._another_leads = another_leads
        self._sent_away = 0
        """Polls that are about to be sent to another replica."""
        self.standing_by = 0
        """Polls that wait for somebody to lead."""
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
        if not self._can_tell(key) and self.standing_by < MOST_STANDING_BY:
            await self._stand_by(key)
        if not self._leads():
            return await self._send_away()
        channel = self._channels.get(key)
        if not has_token(channel, request.headers.get("authorization", "")):
            # No other replica knows a pod that this one should: it is to come back less often.
            return web.Response(status=401) if self._ready() else await self._send_away()
        try:
            async with asyncio.timeout(self._hold):
                poll = decode(await request.read(), Poll)
        except TimeoutError:
            return web.Response(status=408)
        except Undeliverable:
            return web.Response(status=400)
        return await self._answer_pod(key, poll)

    def _can_tell(self, key: ObjectKey) -> bool:
        """Return whether this replica knows what it streams, or that another one does."""
        if self._leads():
            return self._ready() or self._channels.get(key) is not None
        return self._another_leads()

    async def _stand_by(self, key: ObjectKey) -> None:
        """Hold a poll until somebody leads, which may be this replica.

        A pod that is sent away while nobody leads would come back the later the longer that takes.
        """
        self.standing_by += 1
        try:
            async with asyncio.timeout(min(STANDING_BY, self._hold)):
                while not self._can_tell(key):  # noqa: ASYNC110 - three rooms may turn it
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            pass
        finally:
            self.standing_by -= 1

    async def _send_away(self) -> web.Response:
        """Answer that another replica leads, or that this one does not know yet what it streams.

        The more pods look for the one that leads here, the later.
        """
        self._sent_away += 1
        try:
            await asyncio.sleep(self._sent_away * PACE)
        finally:
            self._sent_away -= 1
        return web.Response(status=503, headers={"retry-after": ELSEWHERE})

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
