"""The channels of all RouterConfigs: what is streamed, and when the status has to follow.

`reconciling/` offers and withdraws publications, `stream.py` reports polls. The status is written
once pods have answered a snapshot, or have had the time for it: not once for each pod.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from airouter_operator.delivering.channel import Channel
from airouter_operator.publication import short_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.bans.notice import Ban
    from airouter_operator.delivering.pods import Pods
    from airouter_operator.kube.objects import ObjectKey
    from airouter_operator.publication import Publication

logger = logging.getLogger("airouter.operator")

ANSWERING = 0.25
"""Seconds in which pods usually answer a snapshot; until then there is no news for the status."""
TICK = 0.01
"""Seconds, because timers may fire a millisecond early."""


class Channels:
    """Channels by RouterConfig."""

    def __init__(self, pods: Pods, changed: Callable[[ObjectKey], None]) -> None:
        """Call `changed` when the status should say something new of a RouterConfig's pods."""
        self._pods = pods
        self._changed = changed
        self._channels: dict[ObjectKey, Channel] = {}
        self._departures: set[ObjectKey] = set()
        """RouterConfigs with a timer for the pods that may be gone."""

    def get(self, key: ObjectKey) -> Channel | None:
        """Return the channel of a RouterConfig; None where nothing is streamed."""
        return self._channels.get(key)

    def offer(self, key: ObjectKey, publication: Publication) -> None:
        """Stream a publication from now on."""
        channel = self._channels.get(key)
        if channel is None:
            self._channels[key] = Channel(publication)
        elif channel.publication.record != publication.record:
            channel.release(publication)
            if not self._pods.all_answer(key, channel.version):
                channel.await_answers(ANSWERING, partial(self._request_status, key, channel))
        else:
            # Read from its Secret, it does not know from what it has changed.
            changes = publication.changes or channel.publication.changes
            channel.publication = publication._replace(changes=changes)

    def withdraw(self, key: ObjectKey) -> None:
        """Stream nothing for a RouterConfig that is gone."""
        channel = self._channels.pop(key, None)
        if channel is not None:
            channel.stop_awaiting()
            channel.changed.set()
            channel.bans.wake()

    def withdraw_all(self) -> None:
        """Stream nothing: another replica leads, or the process ends."""
        for key in list(self._channels):
            self.withdraw(key)

    def all(self) -> list[tuple[ObjectKey, Channel]]:
        """Return the channel of each RouterConfig that is streamed."""
        return list(self._channels.items())

    def versions(self) -> list[tuple[ObjectKey, str]]:
        """Return the version that is streamed for each RouterConfig."""
        return [(key, channel.version) for key, channel in self._channels.items()]

    def bans_of(self, key: ObjectKey) -> list[Ban]:
        """Return the bans of the pods of a RouterConfig, those that are half open too."""
        channel = self._channels.get(key)
        return [] if channel is None else channel.bans.known()

    def awaits_answers(self, key: ObjectKey) -> bool:
        """Return whether pods are about to answer; `changed` is called when they have."""
        channel = self._channels.get(key)
        return channel is not None and channel.awaits_answers

    def status_written(self, key: ObjectKey) -> None:
        """Take note that the status says what there is to say of pods."""
        channel = self._channels.get(key)
        if channel is not None:
            channel.owes_status = False

    def pod_changed(self, key: ObjectKey) -> None:
        """Take note that a pod runs or refuses another version than before."""
        channel = self._channels.get(key)
        if channel is None:
            return
        if not channel.runs_everywhere:
            if self._pods.all_answer(key, channel.version):
                self._log_answers(key, channel)
            elif channel.awaits_answers:
                return
        self._request_status(key, channel)

    def poll_ended(self, key: ObjectKey) -> None:
        """Look for pods that are gone, once one of those that do not poll may be."""
        if key in self._departures:
            return
        due = self._pods.next_gone(key)
        if due is not None:
            self._departures.add(key)
            asyncio.get_running_loop().call_later(due + TICK, self._forget_gone, key)

    def _log_answers(self, key: ObjectKey, channel: Channel) -> None:
        tally = self._pods.tally(key, channel.version)
        if tally.programmed == tally.connected:
            channel.runs_everywhere = True
            version = short_version(channel.version)
            logger.info("%s: all %d pods run %s", key, tally.connected, version)

    def _request_status(self, key: ObjectKey, channel: Channel) -> None:
        channel.stop_awaiting()
        self._changed(key)

    def _forget_gone(self, key: ObjectKey) -> None:
        self._departures.discard(key)
        if self._pods.forget_gone(key):
            self._changed(key)
        self.poll_ended(key)
