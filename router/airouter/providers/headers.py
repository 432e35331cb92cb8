"""What providers say in response headers."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def retry_after(headers: Mapping[bytes, bytes]) -> float | None:
    """Seconds until a provider wants to be asked again, or None.

    OpenAI's `retry-after-ms` goes before `retry-after`, in seconds or as a date (RFC 9110, 10.2.3).
    """
    milliseconds = number(headers.get(b"retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    given = headers.get(b"retry-after")
    seconds = number(given)
    if seconds is not None or given is None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(given.decode("latin-1")).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def number(text: bytes | None) -> float | None:
    """A decimal number that is not negative, or None."""
    if text is None or len(text) > 16:
        return None
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 <= found < float("inf") else None
