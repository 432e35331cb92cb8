"""The status of a RouterConfig: what was found, published and acknowledged, as conditions.

Pure: what is to be written is compared with what is there by `reconcile.py`. Messages name fields
and objects, never values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from airouter.config.findings import Finding, Named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airouter_operator.delivering.pods import Tally
    from airouter_operator.kube import Object
    from airouter_operator.reconciling.publish import Publication

Truth = Literal["True", "False", "Unknown"]
Reason = Literal[
    # Accepted
    "Accepted",
    "Invalid",
    "SnapshotTooLarge",
    # ResolvedRefs
    "ResolvedRefs",
    "SecretNotFound",
    "SecretKeyMissing",
    "InvalidSecretFormat",
    # Programmed
    "Programmed",
    "Pending",
    "Rejected",
    "NoPods",
    "LastGoodKept",
    "NothingPublished",
    "PublishFailed",
    # Ready
    "Ready",
    "NotAccepted",
    # PartiallyInvalid
    "AllValid",
    "DuplicateModelName",
    "NoCredentialMatches",
    "UnsupportedValue",
]
"""Every reason that a condition can have; `docs/kubernetes.md` explains each."""

UNRESOLVED = ("SecretNotFound", "SecretKeyMissing", "InvalidSecretFormat")
MOST_REJECTIONS = 8
MOST_NAMED = 8
LONGEST_MESSAGE = 4096


class ReconcileOutcome(NamedTuple):
    """What became of a RouterConfig when it was compiled."""

    declared: tuple[str, ...]
    """Names of its credentials."""
    usable: frozenset[str] = frozenset()
    """Names of those that can be used."""
    models: int = 0
    findings: tuple[Finding, ...] = ()
    accepted: bool = True
    too_large: str = ""
    """Why it cannot be published, if it is too large."""
    version: str = ""
    unpublished: str = ""
    """Why the API server does not take the snapshot Secret, if it does not."""

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == "error"]


class Condition(NamedTuple):
    """A condition without its times."""

    type: str
    status: Truth
    reason: Reason
    message: str


def routerconfig_status(
    generation: int,
    outcome: ReconcileOutcome,
    publication: Publication | None,
    tally: Tally,
    before: Mapping[str, Any],
    now: str,
) -> Object:
    """The whole status. `before` is the status that is there, `now` as Kubernetes writes times."""
    conditions = conditions_of(outcome, publication, tally)
    status: Object = {
        "observedGeneration": generation,
        "conditions": [
            dated(condition, generation, before.get("conditions") or (), now)
            for condition in conditions
        ],
        "models": outcome.models,
        "credentials": f"{len(outcome.usable)}/{len(outcome.declared)}",
        "pods": f"{tally.programmed}/{tally.connected}",
        "podStatus": pod_status(tally),
        "credentialStatus": [credential_status(name, outcome) for name in outcome.declared],
    }
    if publication is not None:
        status["snapshot"] = {
            "version": short_version(publication.record.version),
            "secretName": publication.secret_name,
            "publishedAt": publication.published_at,
            "sizeBytes": publication.size,
        }
    return status


def conditions_of(
    outcome: ReconcileOutcome, publication: Publication | None, tally: Tally
) -> list[Condition]:
    """Every condition, always in this order."""
    accepted = accepted_of(outcome)
    programmed = programmed_of(outcome, publication, tally)
    return [
        accepted,
        resolved_refs_of(outcome),
        programmed,
        ready_of(accepted, programmed),
        partially_invalid_of(outcome),
    ]


def accepted_of(outcome: ReconcileOutcome) -> Condition:
    """Whether there is a snapshot of what is declared."""
    if outcome.too_large:
        return Condition("Accepted", "False", "SnapshotTooLarge", outcome.too_large)
    if not outcome.accepted:
        return Condition("Accepted", "False", "Invalid", findings_summary(outcome.errors))
    return Condition("Accepted", "True", "Accepted", "the resource is valid")


def resolved_refs_of(outcome: ReconcileOutcome) -> Condition:
    """Whether every Secret is there and holds what it should."""
    broken = [finding for finding in outcome.errors if finding.reason in UNRESOLVED]
    if broken:
        return Condition("ResolvedRefs", "False", broken[0].reason, findings_summary(broken))
    return Condition("ResolvedRefs", "True", "ResolvedRefs", "every Secret was found")


def programmed_of(
    outcome: ReconcileOutcome, publication: Publication | None, tally: Tally
) -> Condition:
    """Whether every pod that is connected runs what is declared."""
    if outcome.unpublished:
        return Condition("Programmed", "False", "PublishFailed", outcome.unpublished)
    if publication is None:
        return Condition("Programmed", "False", "NothingPublished", "there is no snapshot yet")
    if publication.record.version != outcome.version:
        message = f"pods keep the last good snapshot, {short_version(publication.record.version)}"
        return Condition("Programmed", "False", "LastGoodKept", message)
    if not tally.connected:
        version, name = short_version(publication.record.version), publication.secret_name
        message = f"{version} is published and no pod is connected that mounts Secret {name}"
        return Condition("Programmed", "Unknown", "NoPods", message)
    return acknowledged_of(short_version(publication.record.version), tally)


def acknowledged_of(version: str, tally: Tally) -> Condition:
    """What the connected pods say of the version that is declared."""
    if tally.rejections:
        first = tally.rejections[0]
        message = f"{len(tally.rejections)} pods refuse {version}; {first.pod}: {first.reason}"
        return Condition("Programmed", "False", "Rejected", message)
    message = f"{tally.programmed} of {tally.connected} pods run {version}"
    if tally.programmed < tally.connected:
        return Condition("Programmed", "False", "Pending", message)
    return Condition("Programmed", "True", "Programmed", message)


def ready_of(accepted: Condition, programmed: Condition) -> Condition:
    """Both in one word, for people and for `kubectl get`."""
    if accepted.status != "True":
        return Condition("Ready", "False", "NotAccepted", accepted.message)
    if programmed.status != "True":
        return Condition("Ready", programmed.status, programmed.reason, programmed.message)
    return Condition("Ready", "True", "Ready", programmed.message)


def partially_invalid_of(outcome: ReconcileOutcome) -> Condition:
    """Whether something was left out so that the rest could be served."""
    errors = outcome.errors if outcome.accepted else []
    if not errors:
        return Condition("PartiallyInvalid", "False", "AllValid", "nothing was left out")
    dropped = [name for name in outcome.declared if name not in outcome.usable]
    message = findings_summary(errors)
    if dropped:
        message = f"Dropped credential(s): {', '.join(dropped[:MOST_NAMED])}. {message}"
    return Condition("PartiallyInvalid", "True", errors[0].reason, message[:LONGEST_MESSAGE])


def findings_summary(findings: Sequence[Finding]) -> str:
    """Findings as one message; of many, the first few."""
    message = "; ".join(map(sentence, findings[:MOST_NAMED]))
    if len(findings) > MOST_NAMED:
        message += f"; and {len(findings) - MOST_NAMED} more"
    return message[:LONGEST_MESSAGE]


def sentence(finding: Finding) -> str:
    """The field, what is wrong with it, and what would be right."""
    right = f" (right: {finding.right})" if finding.right else ""
    return f"{finding.field}: {finding.what}{right}"


def dated(
    condition: Condition, generation: int, before: Iterable[Mapping[str, Any]], now: str
) -> Object:
    """A condition with its times: one that stays as it was keeps the time of its last turn."""
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


def lacks_nothing_but_pods(status: Object, before: Mapping[str, Any]) -> bool:
    """Whether a status says the same of the same snapshot, but for pods that are not there."""
    about_pods = {"conditions", "pods", "podStatus"}
    facts = [
        {name: value for name, value in each.items() if name not in about_pods}
        for each in (status, before)
    ]
    known = (before.get("podStatus") or {}).get("connected", 0)
    return facts[0] == facts[1] and bool(status["podStatus"]["connected"] < known)


def short_version(version: str) -> str:
    """A version for people: enough of it to tell it from others."""
    return version[:16]


def pod_status(tally: Tally) -> Object:
    """Counts, and the first few pods that refuse the snapshot."""
    return {
        "connected": tally.connected,
        "programmed": tally.programmed,
        "rejected": len(tally.rejections),
        "rejections": [
            {"pod": r.pod, "version": short_version(r.version), "reason": r.reason}
            for r in tally.rejections[:MOST_REJECTIONS]
        ],
    }


def credential_status(name: str, outcome: ReconcileOutcome) -> Object:
    """Whether a credential is used, and why not."""
    if name in outcome.usable:
        return {"name": name, "resolved": True, "reason": "Resolved"}
    about = ("spec", "credentials", Named(name))
    reasons = [finding.reason for finding in outcome.errors if finding.path[:3] == about]
    return {"name": name, "resolved": False, "reason": reasons[0] if reasons else "Invalid"}
