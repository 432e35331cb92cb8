"""Logs the reason why a provider cannot be used.

A client only learns that the provider could not be reached. Each kind of trouble of a credential is
logged once a minute, so that an outage does not flood the log.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("airouter.pipeline")

SILENCE = 60.0
"""Seconds until the same kind of trouble is logged again."""
MOST = 10_000
"""Kinds of trouble that are remembered."""


class ProviderWarnings:
    """Logs failed attempts, and remembers which kinds it has logged."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._silent_until: dict[tuple[str, str], float] = {}

    def note_refused_key(self, credential: str, status: int) -> None:
        """Log that a provider refused a key."""
        what = f"the provider refused its key with {status}"
        fix = "put a good one into its Secret; airouter test shows the provider's own words"
        self.note(credential, "refused_key", f"{what} (fix: {fix})")

    def note(self, credential: str, kind: str, reason: object) -> None:
        """Log a failed attempt; `reason` names no secret."""
        now = self._clock()
        if now < self._silent_until.get((credential, kind), 0.0):
            return
        if len(self._silent_until) >= MOST:
            self._silent_until.clear()
        self._silent_until[credential, kind] = now + SILENCE
        logger.warning("credential %s: %s", credential, reason)
