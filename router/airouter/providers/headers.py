"""Response headers of providers: when to ask again, and when a limit begins anew."""

from __future__ import annotations

import re
import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

from airouter.failures import LONGEST_RETRY_AFTER

if TYPE_CHECKING:
    from collections.abc import Mapping

SPAN = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")
LIMITS = tuple(
    tuple(pattern.format(what, said).encode() for said in ("remaining", "reset", "limit"))
    for pattern, kinds in (
        ("x-ratelimit-{1}-{0}", ("requests", "tokens")),
        ("anthropic-ratelimit-{0}-{1}", ("requests", "tokens", "input-tokens", "output-tokens")),
    )
    for what in kinds
)
"""Headers that say how much of a limit is left, when it is full again, and how much it is."""
LEFT = frozenset(remaining for remaining, _, _ in LIMITS)


def retry_after(status: int, headers: Mapping[bytes, bytes]) -> float | None:
    """Return the seconds until a provider wants to be asked again, or None.

    OpenAI's `retry-after-ms` goes before `retry-after`, in seconds or as a date (RFC 9110, 10.2.3).
    A 429 without either may still say when a used-up limit begins anew. It is a day at most.
    """
    asked = asked_for(headers)
    if asked is None and status == 429:
        asked = limit_reset(headers)
    return None if asked is None else min(asked, LONGEST_RETRY_AFTER)


def asked_for(headers: Mapping[bytes, bytes]) -> float | None:
    """Return the seconds of `retry-after`, or None."""
    milliseconds = decimal_in(headers.get(b"retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    given = headers.get(b"retry-after")
    seconds = decimal_in(given)
    if seconds is not None or given is None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(given.decode("latin-1")).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def decimal_in(text: bytes | None) -> float | None:
    """Return a decimal number that is not negative, or None."""
    if text is None or len(text) > 16:
        return None
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 <= found < float("inf") else None


def limit_reset(headers: Mapping[bytes, bytes]) -> float | None:
    """Return the seconds until the last used-up limit begins anew, or None."""
    resets = [
        found
        for used_up, reset, _ in LIMITS
        if headers.get(used_up) == b"0" and (found := reset_in(headers.get(reset))) is not None
    ]
    return max(resets, default=None)


class Headroom(NamedTuple):
    """The room that a provider's limits leave: of the tightest of them."""

    share: float
    """From 0.0 to 1.0."""
    seconds: float
    """The time after which it is full again."""


def headroom(headers: Mapping[bytes, bytes]) -> Headroom | None:
    """Return how much of its limits a provider leaves, or None where it says nothing of them."""
    if LEFT.isdisjoint(headers):  # as most providers do
        return None
    tightest: Headroom | None = None
    for remaining, reset, limit in LIMITS:
        if remaining not in headers:
            continue
        left, most = decimal_in(headers[remaining]), decimal_in(headers.get(limit))
        seconds = reset_in(headers.get(reset))
        if left is None or not most or seconds is None:
            continue
        share = min(1.0, left / most)
        if tightest is None or share < tightest.share:
            tightest = Headroom(share, min(seconds, LONGEST_RETRY_AFTER))
    return tightest


def reset_in(text: bytes | None) -> float | None:
    """Read seconds, of `6m0s` (OpenAI) or of a time as RFC 3339 has it (Anthropic)."""
    given = (text or b"").decode("latin-1")
    found = SPAN.fullmatch(given)
    if found and any(found.groups()):
        hours, minutes, seconds, milliseconds = (float(each or 0) for each in found.groups())
        return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
    try:
        return max(0.0, datetime.fromisoformat(given).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
