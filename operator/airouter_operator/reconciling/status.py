"""The status of a RouterConfig as a whole: conditions with their times, counts, credentials, pods.

Pure: `status_writer.py` compares a status with the one that is there, and writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airouter.config.findings import NamedItem
from airouter_operator.publication import short_version
from airouter_operator.reconciling.conditions import Condition, conditions_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airouter_operator.delivering.pods import Tally
    from airouter_operator.kube.objects import Object
    from airouter_operator.publication import Publication
    from airouter_operator.reconciling.credential_health import BanSummary
    from airouter_operator.reconciling.outcome import ReconcileOutcome

MOST_REJECTIONS = 8


def routerconfig_status(
    generation: int,
    outcome: ReconcileOutcome,
    publication: Publication | None,
    tally: Tally,
    health: Mapping[str, BanSummary],
    before: Mapping[str, Any],
    now: str,
) -> Object:
    """Return the whole status.

    `health` is that of credentials that have bans, `before` the status that is there, `now` the
    time as Kubernetes writes times.
    """
    conditions = conditions_of(outcome, publication, tally, health)
    answered = len(outcome.models) - len(outcome.unanswered)
    status: Object = {
        "observedGeneration": generation,
        "conditions": [
            dated(condition, generation, before.get("conditions") or (), now)
            for condition in conditions
        ],
        "models": answered,
        "answeredModels": f"{answered}/{len(outcome.models)}",
        "credentials": f"{len(outcome.usable)}/{len(outcome.declared)}",
        "pods": f"{tally.programmed}/{tally.expected}",
        "podStatus": pod_status(tally),
        "credentialStatus": credential_statuses(outcome, health),
    }
    if publication is not None:
        status["snapshot"] = {
            "version": short_version(publication.record.version),
            "secretName": publication.secret_name,
            "publishedAt": publication.published_at,
            "sizeBytes": publication.size,
        }
    return status


def dated(
    condition: Condition, generation: int, before: Iterable[Mapping[str, Any]], now: str
) -> Object:
    """Return a condition with its times; one that stays as it was keeps that of its last turn."""
    since = now
    for other in before:
        if (other.get("type"), other.get("status")) == (condition.type, condition.status):
            since = other.get("lastTransitionTime", now)
    return {
        "type": condition.type,
        "status": condition.status,
        "observedGeneration": generation,
        "lastTransitionTime": since,
        "reason": condition.reason,
        "message": condition.message,
    }


def expected_in(status: Mapping[str, Any]) -> int:
    """Return the pods that should have run the snapshot of a status."""
    pods = status.get("podStatus") or {}
    return int(pods.get("expected", pods.get("connected", 0)))


def pod_status(tally: Tally) -> Object:
    """Return counts, and the first few pods that refuse the snapshot."""
    return {
        "connected": tally.connected,
        "expected": tally.expected,
        "programmed": tally.programmed,
        "rejected": len(tally.rejections),
        "rejections": [
            {"pod": r.pod, "version": short_version(r.version), "reason": r.reason}
            for r in tally.rejections[:MOST_REJECTIONS]
        ],
    }


def credential_statuses(
    outcome: ReconcileOutcome, health: Mapping[str, BanSummary]
) -> list[Object]:
    """Return for each credential whether it is used or banned, and why."""
    reasons: dict[str, str] = {}
    for finding in outcome.errors:
        match finding.path[:3]:
            case ("spec", "credentials", NamedItem(name)):
                reasons.setdefault(name, finding.reason)
    return [
        credential_status(name, outcome, reasons, health.get(name)) for name in outcome.declared
    ]


def credential_status(
    name: str,
    outcome: ReconcileOutcome,
    reasons: Mapping[str, str],
    health: BanSummary | None,
) -> Object:
    """Return whether a credential is used or banned, and why."""
    if name in outcome.usable and health is not None:
        until = {} if health.until is None else {"until": health.until}
        return {
            "name": name,
            "resolved": True,
            "state": health.state,
            "reason": health.reason,
            **until,
        }
    if name in outcome.usable:
        return {"name": name, "resolved": True, "state": "Healthy", "reason": "Resolved"}
    reason = "Suspended" if name in outcome.suspended else reasons.get(name, "Invalid")
    return {"name": name, "resolved": False, "reason": reason}


def lacks_nothing_but_pods(status: Object, before: Mapping[str, Any]) -> bool:
    """Return whether a status differs from the former one only by pods that are missing."""
    about_pods = {"conditions", "pods", "podStatus"}
    facts = [
        {name: value for name, value in each.items() if name not in about_pods}
        for each in (status, before)
    ]
    known = (before.get("podStatus") or {}).get("connected", 0)
    return facts[0] == facts[1] and bool(status["podStatus"]["connected"] < known)
