"""The long-poll server for pods: a poll is answered as soon as there is a newer snapshot.

A snapshot is served as the very bytes that are in its Secret. The token in that Secret is all the
authentication there is, so a wrong one learns nothing: not even whether there is such a
RouterConfig. What polls say of pods is kept in `pods.py`.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from airouter.config.delivery import MAX_POLL, VERSION_HEADER, Poll, Undeliverable, decode
from airouter_operator.delivering.pods import Pods, TooManyPods
from airouter_operator.kube import ObjectKey

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from airouter_operator.reconciling.publish import Publication

logger = logging.getLogger("airouter.operator")

PATH = "/v1/snapshots/{namespace}/{name}"
NOBODY = "nobody-has-this-token"
GRACEFUL = 1.0
TICK = 0.01
"""Timers may fire a millisecond early."""
BUSY_AFTER = "5"
"""Seconds, as Retry-After says it."""
ANSWERING = 0.25
"""Seconds in which pods answer a snapshot, usually; until then there is nothing to tell of them."""


class Channel:
    """What is published of one RouterConfig, and who waits for more."""

    def __init__(self, publication: Publication) -> None:
        self.publication = publication
        self.changed = asyncio.Event()
        self.runs_everywhere = False
        """Whether every pod was seen to run this version, which is logged once."""
        self.owes_status = False
        """Whether pods had their time, and the status has not been looked at since."""
        self._patience: asyncio.TimerHandle | None = None

    @property
    def awaits_answers(self) -> bool:
        """Whether pods are about to answer what was released."""
        return self._patience is not None

    def release(self, publication: Publication) -> None:
        """Answer everybody who waits."""
        self.publication = publication
        self.runs_everywhere = False
        self.changed.set()
        self.changed = asyncio.Event()

    def await_answers(self, seconds: float, overdue: Callable[[], None]) -> None:
        """Give pods so long to answer; `overdue` is called unless they are earlier.

        Changes that keep coming do not hold the status back: it is owed once the time is over.
        """
        if self._patience is None and not self.owes_status:
            self._patience = asyncio.get_running_loop().call_later(seconds, overdue)

    def stop_awaiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
            self.owes_status = True

    def has_news_for(self, poll: Poll) -> bool:
        """Whether a pod can do better than what it runs."""
        record = self.publication.record
        known = (poll.version, poll.refused)
        return record.version not in known and record.serial > poll.serial


class StreamServer:
    """Channels by RouterConfig, on a port of its own."""

    def __init__(
        self,
        pods: Pods,
        hold: float,
        acknowledged: Callable[[], None],
        changed: Callable[[ObjectKey], None],
        leads: Callable[[], bool],
        ready: Callable[[], bool],
    ) -> None:
        """`hold` is seconds; `acknowledged` is told of each poll that says something new.

        `changed` is told when the status should say something new of the pods of a RouterConfig.
        Pods are to poll the replica that `leads`: what another one has is out of date.
        Before `ready`, nobody can tell a RouterConfig that is not known yet from one that is not.
        """
        self._pods = pods
        self._hold = hold
        self._acknowledged = acknowledged
        self._changed = changed
        self._leads = leads
        self._ready = ready
        self._channels: dict[ObjectKey, Channel] = {}
        self._watched: set[ObjectKey] = set()
        """Those for whose pods a timer runs."""
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext) -> int:
        """Listen; returns the port."""
        application = web.Application(client_max_size=MAX_POLL)
        application.router.add_post(PATH, self.answer)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=GRACEFUL,
            keepalive_timeout=self._hold * 2,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, ssl_context=tls, backlog=1024).start()
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def offer(self, key: ObjectKey, publication: Publication) -> None:
        """Stream a publication from now on."""
        channel = self._channels.get(key)
        if channel is None:
            self._channels[key] = Channel(publication)
        elif channel.publication.record != publication.record:
            channel.release(publication)
            if not self._pods.all_answer(key, publication.record.version):
                channel.await_answers(ANSWERING, partial(self._tell_of, key, channel))
        else:
            channel.publication = publication

    def awaits_answers(self, key: ObjectKey) -> bool:
        """Whether pods are about to answer what is streamed; `changed` is told when they have."""
        channel = self._channels.get(key)
        return channel is not None and channel.awaits_answers

    def status_is_told(self, key: ObjectKey) -> None:
        """The status says what there is to say of pods."""
        channel = self._channels.get(key)
        if channel is not None:
            channel.owes_status = False

    def withdraw(self, key: ObjectKey) -> None:
        """Stream nothing for a RouterConfig that is gone."""
        channel = self._channels.pop(key, None)
        if channel is not None:
            channel.stop_awaiting()
            channel.changed.set()

    def withdraw_all(self) -> None:
        for key in list(self._channels):
            self.withdraw(key)

    def versions(self) -> list[tuple[ObjectKey, str]]:
        """What is streamed for each RouterConfig."""
        return [(key, c.publication.record.version) for key, c in self._channels.items()]

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a poll."""
        key = ObjectKey(request.match_info["namespace"], request.match_info["name"])
        channel = self._channels.get(key) if self._leads() else None
        if not is_token_of(channel, request.headers.get("authorization", "")):
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
            self._note_progress(key)
        try:
            return await self._wait(key, poll)
        finally:
            self._pods.end(key, poll.pod)
            self._watch(key)

    async def _wait(self, key: ObjectKey, poll: Poll) -> web.Response:
        """Hold a poll until there is news, or for as long as a poll is held."""
        try:
            async with asyncio.timeout(self._hold if poll.patient else 0):
                while (channel := self._channels.get(key)) is not None:
                    if channel.has_news_for(poll):
                        return delivery(channel.publication)
                    await channel.changed.wait()
        except TimeoutError:
            pass
        return web.Response(status=204)

    def _note_progress(self, key: ObjectKey) -> None:
        """A pod has said something new: see whether all of them run what is streamed."""
        channel = self._channels.get(key)
        if channel is None:
            return
        if not channel.runs_everywhere:
            version = channel.publication.record.version
            if self._pods.all_answer(key, version):
                self._log_answers(key, channel, version)
            elif channel.awaits_answers:
                return
        self._tell_of(key, channel)

    def _log_answers(self, key: ObjectKey, channel: Channel, version: str) -> None:
        tally = self._pods.tally(key, version)
        if tally.programmed == tally.connected:
            channel.runs_everywhere = True
            logger.info("%s: all %d pods run %s", key, tally.connected, version[:16])

    def _tell_of(self, key: ObjectKey, channel: Channel) -> None:
        """Have the status say how it stands with the pods."""
        channel.stop_awaiting()
        self._changed(key)

    def _watch(self, key: ObjectKey) -> None:
        """Look for pods that are gone, when one of those that are away may be."""
        if key in self._watched:
            return
        due = self._pods.next_gone(key)
        if due is not None:
            self._watched.add(key)
            asyncio.get_running_loop().call_later(due + TICK, self._notice_gone, key)

    def _notice_gone(self, key: ObjectKey) -> None:
        self._watched.discard(key)
        if self._pods.forget_gone(key):
            self._changed(key)
        self._watch(key)


def is_token_of(channel: Channel | None, authorization: str) -> bool:
    """Whether a header shows the token; takes as long for a RouterConfig that is not known."""
    token = NOBODY if channel is None else channel.publication.stream.token
    same = hmac.compare_digest(f"Bearer {token}".encode(), authorization.encode("utf-8", "replace"))
    return same and channel is not None


def delivery(publication: Publication) -> web.Response:
    """The answer that brings a snapshot."""
    return web.Response(
        body=publication.packed,
        content_type="application/gzip",
        headers={VERSION_HEADER: publication.record.version},
    )
