"""Exchanges of pods with the ledger of their RouterConfig, beside their polls: one a second.

Only a replica that surely leads answers: two of them would each grant all of a limit. Any other
sends pods away, which find the one that does as they do for their polls.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from airouter.config.delivery import MAX_LEDGER_MESSAGE, Undeliverable
from airouter_operator.delivering.channel import has_token
from airouter_operator.delivering.ledger import LimitLedger, MessageLate
from airouter_operator.delivering.ledger_store import LedgerStore, TooMuch
from airouter_operator.kube.errors import KubeError
from airouter_operator.kube.objects import ObjectKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter_operator.delivering.channel import Channel
    from airouter_operator.delivering.channels import Channels
    from airouter_operator.kube.api import KubeApi

logger = logging.getLogger("airouter.operator")

READING = 5.0
"""Seconds for a message to come in; its pod waits for half of one."""
REFUSALS: dict[type[Exception], int] = {TimeoutError: 408, Undeliverable: 400, MessageLate: 409}
HANDING_OVER = 3.0
"""Seconds for all ledgers, when the operator ends."""


class ExchangeServer:
    """Answers messages to the ledgers."""

    def __init__(
        self,
        channels: Channels,
        kube: KubeApi,
        surely_leads: Callable[[], bool],
        ready: Callable[[], bool],
        answered: Callable[[int], None],
    ) -> None:
        """Answer while this replica `surely_leads`; `ready` is that of the `StreamServer`.

        `answered` gets the status of each answer.
        """
        self._channels = channels
        self._kube = kube
        self._surely_leads = surely_leads
        self._ready = ready
        self._answered = answered
        self._has_ended = False

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a message, of a pod that shows the token of its RouterConfig."""
        answer = await self._answer(request)
        self._answered(answer.status)
        return answer

    async def _answer(self, request: web.Request) -> web.Response:
        key = ObjectKey(request.match_info["namespace"], request.match_info["name"])
        channel = self._channels.get(key) if self._may_grant() else None
        if not has_token(channel, request.headers.get("authorization", "")) or channel is None:
            return web.Response(status=401 if self._may_grant() and self._ready() else 503)
        try:
            async with asyncio.timeout(READING):
                body = await request.clone(client_max_size=MAX_LEDGER_MESSAGE).read()
            answer = await self._ledger_of(key, channel).exchange(body, self._may_grant)
        except tuple(REFUSALS) as refused:
            return web.Response(status=REFUSALS[type(refused)])
        if answer is None or self._channels.get(key) is not channel:
            return web.Response(status=503)
        return web.Response(body=answer, content_type="application/json")

    async def end(self) -> None:
        """Grant nothing any more, and leave to the next leader what the ledgers know."""
        if self._surely_leads():
            self._has_ended = True
            await self.hand_over()

    async def hand_over(self) -> None:
        """Leave what the ledgers know, which must not grant anything any more."""
        channels = self._channels.all()
        try:
            async with asyncio.timeout(HANDING_OVER):
                await asyncio.gather(*(self._hand_over(*each) for each in channels))
        except TimeoutError:
            logger.warning("not all ledgers of limits were handed over in time")

    async def _hand_over(self, key: ObjectKey, channel: Channel) -> None:
        try:
            if channel.ledger is not None:
                await channel.ledger.end()
        except (KubeError, TooMuch) as error:
            logger.warning("%s: the ledger of limits is not handed over: %s", key, error)

    def _ledger_of(self, key: ObjectKey, channel: Channel) -> LimitLedger:
        if channel.ledger is None:
            owner = channel.publication.record.owner
            channel.ledger = LimitLedger(LedgerStore(self._kube, key, owner))
        return channel.ledger

    def _may_grant(self) -> bool:
        return self._surely_leads() and not self._has_ended
