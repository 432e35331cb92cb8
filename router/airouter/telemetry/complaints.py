"""Why a provider cannot be used, for whoever reads the log.

A client is told no more than that it could not be reached. Each kind of trouble of a credential is
told once a minute, so that an outage is no flood.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("airouter.pipeline")

SILENCE = 60.0
"""Seconds until the same kind of trouble is told again."""
MOST = 10_000
"""Kinds of trouble that are remembered."""


class Complaints:
    """Tells trouble, and remembers what it has told."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._silent_until: dict[tuple[str, str], float] = {}

    def note(self, credential: str, kind: str, reason: object) -> None:
        """An attempt failed; `reason` names no secret."""
        now = self._clock()
        if now < self._silent_until.get((credential, kind), 0.0):
            return
        if len(self._silent_until) >= MOST:
            self._silent_until.clear()
        self._silent_until[credential, kind] = now + SILENCE
        logger.warning("credential %s: %s", credential, reason)
