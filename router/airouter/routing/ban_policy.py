"""The rules of a snapshot's `Fail2ban`: what a failure counts for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.config.snapshot import BanThreshold
from airouter.routing.outcome import REFUSED_KEY

if TYPE_CHECKING:
    from airouter.config.snapshot import Fail2ban
    from airouter.routing.outcome import AttemptOutcome

ANY_STATUS = ""
"""The rule of failures that no other rule is about: they are counted together."""


class BanPolicy:
    """The rules of one credential, ready to be looked up."""

    def __init__(self, declared: Fail2ban) -> None:
        self.window = declared.window
        self.longest = declared.longest
        self.whole_credential = declared.whole_credential
        self._default = declared.default
        self._statuses = frozenset(declared.status_codes)
        self._rules = dict(declared.rules)
        self._error_rules = dict(declared.error_rules)
        self._of_the_key: BanThreshold | None = None
        if declared.bans_auth_failures:
            self._of_the_key = BanThreshold(1, max(declared.longest, declared.default.ban_duration))

    def threshold_for(self, outcome: AttemptOutcome) -> tuple[str, BanThreshold] | None:
        """Return the rule that a failure counts for, and its numbers; None where it does not count.

        The narrowest one: an error's code, a status, a refused key, a class, all that count.
        """
        status, kind = outcome.status, outcome.status // 100
        if not status:  # no provider was asked
            return None
        code = (outcome.failure.code if outcome.failure else None) or ""
        counts = status in self._statuses or kind in self._statuses
        for rule, threshold in (
            (code, self._error_rules.get(code)),
            (str(status), self._rules.get(status)),
            (REFUSED_KEY, self._of_the_key if outcome.kind == REFUSED_KEY else None),
            (f"{kind}xx", self._rules.get(kind)),
            (ANY_STATUS, self._default if counts else None),
        ):
            if threshold is not None:
                return rule, threshold
        return None
