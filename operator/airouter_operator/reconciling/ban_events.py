"""Events about credentials that pods have banned, and that have answered again since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airouter_operator.reconciling.credential_health import BANNED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airouter_operator.kube.objects import Object, ObjectKey
    from airouter_operator.reconciling.events import EventRecorder, Severity

QUIET = 60.0
"""Seconds for which a credential makes no second Event of a kind: it may come and go."""
MOST_AT_ONCE = 8
"""Events of one status."""


class BanEvents:
    """Writes `CredentialBanned` and `CredentialRecovered`."""

    def __init__(self, events: EventRecorder, clock: Callable[[], float]) -> None:
        """`clock` returns seconds."""
        self._events = events
        self._clock = clock
        self._last: dict[ObjectKey, dict[tuple[str, str], float]] = {}
        """The times of Events, by credential and reason; as many as credentials are declared."""

    async def record(
        self, key: ObjectKey, config: Object, before: Mapping[str, Any], after: Object
    ) -> None:
        """Write an Event for each credential that has turned between two statuses."""
        now = self._clock()
        last = {turn: at for turn, at in self._last.pop(key, {}).items() if at <= now < at + QUIET}
        due = [turn for turn in turns_between(before, after) if turn[:2] not in last]
        for name, reason, note in due[:MOST_AT_ONCE]:
            last[name, reason] = now
            severity: Severity = "Warning" if reason == "CredentialBanned" else "Normal"
            await self._events.post(config, severity, reason, note)
        if last:
            self._last[key] = last

    def forget(self, key: ObjectKey) -> None:
        """Forget a RouterConfig that is gone."""
        self._last.pop(key, None)


def turns_between(before: Mapping[str, Any], after: Object) -> list[tuple[str, str, str]]:
    """Return each credential that was banned or has recovered, the reason of its Event, a note."""
    former = {each["name"]: each for each in before.get("credentialStatus") or ()}
    turns = []
    for credential in after["credentialStatus"]:
        name, state = credential["name"], credential.get("state")
        was = former.get(name, {}).get("state", "Healthy")
        if state in BANNED and was not in BANNED:
            whose = f"credential {name}" if state == "Banned" else f"models of credential {name}"
            until = credential.get("until", "it is lifted")
            note = f"pods have banned {whose} until {until}: {credential['reason']}"
            turns.append((name, "CredentialBanned", note))
        elif state == "Healthy" and was != "Healthy":
            turns.append((name, "CredentialRecovered", f"credential {name} is not banned any more"))
    return turns
