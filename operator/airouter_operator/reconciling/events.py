"""Kubernetes Events about a RouterConfig, for `kubectl describe`: one when something has turned."""

from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from airouter.config.resource import API_VERSION, KIND
from airouter_operator.kube import MANAGER, Kube, KubeError, Object, ObjectKey, events_in, uid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = logging.getLogger("airouter.operator")

Severity = Literal["Normal", "Warning"]

WATCHED: dict[tuple[str, str], Severity] = {
    ("Accepted", "True"): "Normal",
    ("Accepted", "False"): "Warning",
    ("Programmed", "True"): "Normal",
    ("PartiallyInvalid", "True"): "Warning",
}
"""The turns of a condition that are told, by its type and status."""
ALARMING = {("Programmed", "Rejected"), ("Programmed", "PublishFailed")}
"""Those that are told by their reason: a condition that is false may just take a moment longer."""
LONGEST_NOTE = 1024


class EventRecorder:
    """Writes Events; what fails is only logged, because an Event is no state."""

    def __init__(self, kube: Kube, identity: str, clock: Callable[[], float]) -> None:
        self._kube = kube
        self._identity = identity
        self._clock = clock

    async def tell(self, config: Object, before: Mapping[str, Any], after: Object) -> None:
        """Write an Event for each condition that has turned from one status to another.

        What pods make of a snapshot is told of each, though they ran the one before as well.
        """
        known = {c["type"]: (c["status"], c["reason"]) for c in before.get("conditions") or ()}
        if version_in(before) != version_in(after):
            known.pop("Programmed", None)
        for condition in after["conditions"]:
            severity = severity_of(condition)
            turned = known.get(condition["type"]) != (condition["status"], condition["reason"])
            if severity is not None and turned:
                await self._post(config, severity, condition["reason"], condition["message"])

    async def _post(self, config: Object, severity: Severity, reason: str, note: str) -> None:
        key = ObjectKey(config["metadata"]["namespace"], config["metadata"]["name"])
        event: Object = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": f"{key.name[:200].rstrip('-.')}.{secrets.token_hex(8)}",
                "namespace": key.namespace,
            },
            "eventTime": datetime.fromtimestamp(self._clock(), UTC).strftime(
                "%Y-%m-%dT%H:%M:%S.%fZ"
            ),
            "type": severity,
            "reason": reason,
            "action": "Reconcile",
            "note": note[:LONGEST_NOTE],
            "regarding": {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "namespace": key.namespace,
                "name": key.name,
                "uid": uid_of(config),
            },
            "reportingController": f"airouter.dev/{MANAGER}",
            "reportingInstance": self._identity[:128],
        }
        try:
            await self._kube.create(events_in(key.namespace), event)
        except KubeError as error:
            logger.warning("%s: no Event was written: %s", key, error)


def severity_of(condition: Mapping[str, Any]) -> Severity | None:
    """How a condition is told; None for one that is not."""
    if (condition["type"], condition["reason"]) in ALARMING:
        return "Warning"
    return WATCHED.get((condition["type"], condition["status"]))


def version_in(status: Mapping[str, Any]) -> str:
    """The snapshot that a status tells of."""
    return str((status.get("snapshot") or {}).get("version", ""))
