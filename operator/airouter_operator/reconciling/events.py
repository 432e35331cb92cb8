"""Kubernetes Events about our objects, for `kubectl describe`: one when a condition turns."""

from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from airouter.config.resource import API_VERSION, KIND
from airouter_operator.kube.api import FIELD_MANAGER
from airouter_operator.kube.errors import KubeError
from airouter_operator.kube.objects import Object, object_key, uid_of
from airouter_operator.kube.paths import events_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airouter_operator.kube.api import KubeApi

logger = logging.getLogger("airouter.operator")

Severity = Literal["Normal", "Warning"]

TURNS: dict[tuple[str, str], Severity] = {
    ("Accepted", "True"): "Normal",
    ("Accepted", "False"): "Warning",
    ("Programmed", "True"): "Normal",
    ("ModelsAnswered", "False"): "Warning",
    ("PartiallyInvalid", "True"): "Warning",
    # Of a RouterKey.
    ("Admitted", "False"): "Warning",
    ("Issued", "True"): "Normal",
    ("Issued", "False"): "Warning",
}
"""Turns of a condition that make an Event, by its type and status."""
ALARMS = {
    ("ResolvedRefs", "LastValueKept"),
    ("Programmed", "Rejected"),
    ("Programmed", "PublishFailed"),
}
"""Turns that make an Event by their reason: a condition that is false may just take a moment."""
LONGEST_NOTE = 1024


class EventRecorder:
    """Writes Events; a failure is only logged, because an Event is no state."""

    def __init__(self, kube: KubeApi, identity: str, clock: Callable[[], float]) -> None:
        self._kube = kube
        self._identity = identity
        self._clock = clock

    async def record(self, config: Object, before: Mapping[str, Any], after: Object) -> None:
        """Write an Event for each condition that has turned between two statuses.

        A new snapshot counts as a turn of `Programmed`, though pods ran the one before as well.
        """
        known = {c["type"]: (c["status"], c["reason"]) for c in before.get("conditions") or ()}
        if version_in(before) != version_in(after):
            known.pop("Programmed", None)
        for condition in after["conditions"]:
            severity = severity_of(condition)
            turned = known.get(condition["type"]) != (condition["status"], condition["reason"])
            if severity is not None and turned:
                await self.post(config, severity, condition["reason"], condition["message"])

    async def post(self, config: Object, severity: Severity, reason: str, note: str) -> None:
        """Write one Event about an object."""
        key = object_key(config)
        moment = datetime.fromtimestamp(self._clock(), UTC)
        event: Object = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                # A RouterConfig may have the longest name of all, which leaves no room for more.
                "name": f"{key.name[:200].rstrip('-.')}.{secrets.token_hex(8)}",
                "namespace": key.namespace,
            },
            "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "type": severity,
            "reason": reason,
            "action": "Reconcile",
            "note": note[:LONGEST_NOTE],
            "regarding": {
                "apiVersion": API_VERSION,
                "kind": config.get("kind", KIND),
                "namespace": key.namespace,
                "name": key.name,
                "uid": uid_of(config),
            },
            "reportingController": f"airouter.dev/{FIELD_MANAGER}",
            "reportingInstance": self._identity[:128],
        }
        try:
            await self._kube.create(events_in(key.namespace), event)
        except KubeError as error:
            logger.warning("%s: no Event was written: %s", key, error)


def severity_of(condition: Mapping[str, Any]) -> Severity | None:
    """Return the severity of a condition's Event; None for a condition that makes none."""
    if (condition["type"], condition["reason"]) in ALARMS:
        return "Warning"
    return TURNS.get((condition["type"], condition["status"]))


def version_in(status: Mapping[str, Any]) -> str:
    """Return the version of the snapshot that a status is about."""
    return str((status.get("snapshot") or {}).get("version", ""))
