"""Signing in to the page: a browser gets a token that says until when it is good, and keeps no key.

Whoever has the same master key can check it, so a browser that a Service leads to another pod stays
signed in, and nothing is stored. A token is `UNTIL.NONCE.TAG`: Unix seconds, a random word that
makes each another one, and the HMAC-SHA256 of both (RFC 2104), in base64url.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections import OrderedDict
from secrets import token_urlsafe
from time import monotonic, time
from typing import TYPE_CHECKING

from airouter.bookkeeping.window import Window, step_of

if TYPE_CHECKING:
    from collections.abc import Callable

LASTS = 8 * 3600.0
"""Seconds until one has to sign in again."""
MOST_SIGNED_OUT = 1_000
FAILURES_PER_MINUTE = 10
"""Wrong keys from one address."""
MOST_ADDRESSES = 1_000
LABEL = b"airouter page token"


class SignIns:
    """The tokens of browsers that may see all, and the addresses that have tried wrong keys."""

    def __init__(
        self, wall: Callable[[], float] = time, clock: Callable[[], float] = monotonic
    ) -> None:
        """`wall` returns Unix seconds, `clock` seconds that only grow."""
        self._wall = wall
        self._clock = clock
        self._signed_out: OrderedDict[str, None] = OrderedDict()
        self._failures: OrderedDict[str, Window] = OrderedDict()

    def sign_in(self, master_sha256: str) -> str:
        """Return a new token, for whoever has shown the key of this SHA-256 (hex)."""
        said = f"{int(self._wall() + LASTS)}.{token_urlsafe(12)}"
        return f"{said}.{token_tag(said, master_sha256)}"

    def knows(self, token: str, master_sha256: str | None) -> bool:
        """Return whether a token is good, and the master key still the one that was shown."""
        if master_sha256 is None:
            return False
        said, _, tag = token.rpartition(".")
        if not hmac.compare_digest(tag.encode(), token_tag(said, master_sha256).encode()):
            return False
        return self._wall() < int(said.partition(".")[0]) and token not in self._signed_out

    def sign_out(self, token: str, master_sha256: str | None) -> None:
        """Take a token no more; other processes do not learn of it, the browser forgets it."""
        if self.knows(token, master_sha256):  # or anybody could crowd out those of others
            self._signed_out[token] = None
            if len(self._signed_out) > MOST_SIGNED_OUT:
                self._signed_out.popitem(last=False)

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


def token_tag(said: str, master_sha256: str) -> str:
    """Return the tag of what a token says."""
    tag = hmac.digest(token_key(master_sha256), said.encode(), "sha256")
    return urlsafe_b64encode(tag).rstrip(b"=").decode()


def token_key(master_sha256: str) -> bytes:
    """Derive the key of tokens from the SHA-256 (hex) of the master key.

    It is HKDF-SHA256 without a salt (RFC 5869), whose one block is all that is needed.
    """
    extracted = hmac.digest(bytes(32), bytes.fromhex(master_sha256), "sha256")
    return hmac.digest(extracted, LABEL + b"\x01", "sha256")
