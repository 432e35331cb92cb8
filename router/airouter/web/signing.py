"""Signing in to the page: a browser gets a random token for a while, and keeps no key."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from secrets import token_urlsafe
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from airouter.bookkeeping.window import Window, step_of

if TYPE_CHECKING:
    from collections.abc import Callable

LASTS = 8 * 3600.0
"""Seconds until one has to sign in again."""
MOST_SIGNED_IN = 64
FAILURES_PER_MINUTE = 10
"""Wrong keys from one address."""
MOST_ADDRESSES = 1_000


class SignedIn(NamedTuple):
    """A browser that may see all."""

    until: float
    key: str
    """SHA-256 (hex) of the master key that it was signed in with."""


class SignIns:
    """The browsers that are signed in, by the SHA-256 of their tokens."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """`clock` returns seconds."""
        self._clock = clock
        self._signed_in: OrderedDict[bytes, SignedIn] = OrderedDict()
        self._failures: OrderedDict[str, Window] = OrderedDict()

    def sign_in(self, key_sha256: str) -> str:
        """Return a new token, for whoever has shown the key; the oldest makes room for it."""
        token = token_urlsafe(32)
        self._signed_in[digest_of(token)] = SignedIn(self._clock() + LASTS, key_sha256)
        if len(self._signed_in) > MOST_SIGNED_IN:
            self._signed_in.popitem(last=False)
        return token

    def knows(self, token: str, key_sha256: str | None) -> bool:
        """Return whether a token is good, and the master key still the one that was shown."""
        # Found by its hash, so the time that takes tells nothing of a token.
        found = self._signed_in.get(digest_of(token))
        return found is not None and found.key == key_sha256 and self._clock() < found.until

    def sign_out(self, token: str) -> None:
        """Forget a token."""
        self._signed_in.pop(digest_of(token), None)

    def may_try(self, address: str) -> bool:
        """Return whether a key may be tried from an address."""
        window = self._failures.get(address)
        return window is None or window.room(step_of(self._clock())) > 0

    def note_failure(self, address: str) -> None:
        """Count a wrong key."""
        window = self._failures.setdefault(address, Window(FAILURES_PER_MINUTE))
        window.add(1, step_of(self._clock()))
        self._failures.move_to_end(address)
        if len(self._failures) > MOST_ADDRESSES:
            self._failures.popitem(last=False)


def digest_of(token: str) -> bytes:
    """Return the SHA-256 of a token."""
    return sha256(token.encode()).digest()
