"""A channel: the publication of one RouterConfig that is streamed, and the polls waiting for more.

`channels.py` has one for each RouterConfig.
"""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING

from airouter_operator.delivering.ban_board import BanBoard

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.config.delivery import Poll
    from airouter_operator.delivering.ledger import LimitLedger
    from airouter_operator.publication import Publication

NOBODYS_TOKEN = "nobody-has-this-token"  # noqa: S105


class Channel:
    """One RouterConfig's publication, and how far its delivery has come."""

    def __init__(self, publication: Publication) -> None:
        self.publication = publication
        self.bans = BanBoard()
        """Of its pods."""
        self.ledger: LimitLedger | None = None
        """That of the limits that its pods share, once a pod has asked it."""
        self.changed = asyncio.Event()
        """Set when a poll should look again; replaced by another for the next change."""
        self.runs_everywhere = False
        """Whether every pod was seen to run this version, which is logged once."""
        self.owes_status = False
        """Whether pods had their time, and the status has not been written since."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def version(self) -> str:
        """The version that is streamed."""
        return self.publication.record.version

    @property
    def awaits_answers(self) -> bool:
        """True while pods are about to acknowledge what was released."""
        return self._timer is not None

    def release(self, publication: Publication) -> None:
        """Answer every poll that waits."""
        self.publication = publication
        self.runs_everywhere = False
        # Polls that wait have the former event; one that comes now waits for the next change.
        self.changed.set()
        self.changed = asyncio.Event()

    def await_answers(self, seconds: float, overdue: Callable[[], None]) -> None:
        """Give pods so long to answer; `overdue` is called unless they are earlier.

        Changes that keep coming do not hold the status back: it is owed once the time is over.
        """
        if self._timer is None and not self.owes_status:
            self._timer = asyncio.get_running_loop().call_later(seconds, overdue)

    def stop_awaiting(self) -> None:
        """Stop the timer, if it runs; the status is owed then."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self.owes_status = True

    def has_news_for(self, poll: Poll) -> bool:
        """Return whether a pod can do better than what it runs."""
        known = (poll.version, poll.refused)
        return self.version not in known and self.publication.record.serial > poll.serial


def has_token(channel: Channel | None, authorization: str) -> bool:
    """Return whether a header shows the channel's token.

    The comparison takes as long where there is no channel, so that its time tells nothing.
    """
    token = NOBODYS_TOKEN if channel is None else channel.publication.stream.token
    same = hmac.compare_digest(f"Bearer {token}".encode(), authorization.encode("utf-8", "replace"))
    return same and channel is not None
