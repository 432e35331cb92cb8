"""A book of bans: the newest word of each, whoever said it and in whichever order it came.

Every replica has one, and so has the operator; `sharing/bans.lua` is the same inside of a Redis.
What is told again changes nothing, so books that tell each other all they know come to agree.
"""

from __future__ import annotations

import secrets
from math import inf
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airouter.bans.notice import MOST_NOTICES, BanNews, BanNotice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airouter.bans.notice import Ban, BanKey

MOST = 10_000
"""Bans that are kept; of more, those whose last word is the oldest are forgotten."""
KEPT = 3600.0
"""Seconds for which the end of a ban is remembered, so that nobody revives it."""


class BanEntry(NamedTuple):
    """The newest word of a ban; times are on the clock of the book."""

    notice: BanNotice
    since: float
    until: float
    """The time at which it ends by itself; infinity where it lasts until it is lifted."""
    revision: int
    is_own: bool
    """Whether it was said here first."""

    def told_at(self, now: float) -> BanNotice:
        """Return the notice as it is sent at a time."""
        remaining = None if self.until == inf else max(self.until - now, 0.0)
        ban: Ban = msgspec.structs.replace(self.notice.ban, remaining=remaining)
        return BanNotice(self.notice.id, ban, self.notice.ended, max(now - self.since, 0.0))

    def is_over(self, now: float) -> bool:
        """Return whether nobody needs to know of it any more."""
        ends = self.since if self.notice.ended else self.until
        return ends + KEPT <= now


class BanBook:
    """Bans by what they are about."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` returns seconds, and never goes back."""
        self.epoch = secrets.token_hex(8)
        self.revision = 0
        self._clock = clock
        self._entries: dict[BanKey, BanEntry] = {}
        """The one that was changed last is the last."""

    def note(self, ban: Ban, *, ended: bool = False) -> None:
        """Take in what happened here just now."""
        self._enter(BanNotice(secrets.token_hex(8), ban, ended), self._clock(), is_own=True)

    def take(self, notices: Iterable[BanNotice]) -> list[BanNotice]:
        """Take in what another one told, and return what of it is news."""
        now = self._clock()
        return [each for each in notices if self._enter(each, now, is_own=False)]

    def news(self, since: int, *, own_after: int | None = None) -> BanNews:
        """Return what is new since a revision: so much as goes into one message.

        What was entered after the revision `own_after` is left out unless it was said here first.
        """
        now = self._clock()
        revision, notices = self.revision, []
        for entry in self._changed_since(since):
            if own_after is None or entry.is_own or entry.revision <= own_after:
                notices.append(entry.told_at(now))
            if len(notices) == MOST_NOTICES:
                revision = entry.revision
                break
        return BanNews(self.epoch, revision, notices)

    def known(self) -> list[Ban]:
        """Return the bans that have not ended before their time, those that are half open too."""
        now = self._clock()
        entries = (each for each in self._entries.values() if not each.notice.ended)
        return [each.told_at(now).ban for each in entries if not each.is_over(now)]

    def _enter(self, notice: BanNotice, now: float, *, is_own: bool) -> bool:
        """Keep a notice, unless a newer one or the same is there; returns whether it is kept."""
        key, since = notice.ban.key, now - notice.age
        known = self._entries.get(key)
        if known is not None and (known.notice.id == notice.id or known.since > since):
            return False
        remaining = notice.ban.remaining
        until = inf if remaining is None else now + remaining
        self.revision += 1
        entry = BanEntry(notice, since, until, self.revision, is_own)
        if entry.is_over(now):
            return False
        self._entries.pop(key, None)
        self._entries[key] = entry
        self._forget_oldest(now)
        return True

    def _forget_oldest(self, now: float) -> None:
        while self._entries:
            key, entry = next(iter(self._entries.items()))
            if len(self._entries) <= MOST and not entry.is_over(now):
                return
            del self._entries[key]

    def _changed_since(self, revision: int) -> list[BanEntry]:
        """Return the entries that were changed after a revision, in that order."""
        found = []
        for entry in reversed(self._entries.values()):
            if entry.revision <= revision:
                break
            found.append(entry)
        return found[::-1]
