"""The conditions of a RouterConfig: what was found, published and acknowledged.

Pure. Messages name fields and objects, never values. `docs/kubernetes.md` explains every reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from airouter_operator.kube.objects import kubernetes_time
from airouter_operator.publication import short_version
from airouter_operator.reconciling.credential_health import BANNED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airouter.config.findings import Finding
    from airouter_operator.delivering.pods import Tally
    from airouter_operator.publication import Publication
    from airouter_operator.reconciling.credential_health import BanSummary
    from airouter_operator.reconciling.outcome import ReconcileOutcome

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
    "RefNotPermitted",
    "ServiceNotFound",
    "InferencePoolNotFound",
    "NamespaceNotWatched",
    "LastValueKept",
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
    # ModelsAnswered
    "AllAnswered",
    "NoUsableBackend",
    # PartiallyInvalid
    "AllValid",
    "DuplicateModelName",
    "NoCredentialMatches",
    "UnsupportedValue",
    "HostNotAllowed",
    "NoReadyEndpoints",
    # CredentialsHealthy
    "NoneBanned",
    "CredentialsBanned",
    # Admitted, of a RouterKey
    "Admitted",
    "NoGrant",
    "NoModelGranted",
    "Expired",
    # Issued
    "Issued",
    "NotAdmitted",
    "NotIssued",
    "SecretNotOwned",
    "SecretNameReserved",
    "WriteRefused",
    # Programmed
    "DuplicateKey",
    "TooManyKeys",
    # BudgetExhausted
    "BudgetAvailable",
    "BudgetSpent",
    "GrantBudgetSpent",
]
"""Every reason that a condition can have."""

UNRESOLVED = (
    "SecretNotFound",
    "SecretKeyMissing",
    "InvalidSecretFormat",
    "RefNotPermitted",
    "ServiceNotFound",
    "InferencePoolNotFound",
    "NamespaceNotWatched",
)
MOST_NAMED = 8
LONGEST_MESSAGE = 4096


class Condition(NamedTuple):
    """A condition without its times."""

    type: str
    status: Truth
    reason: Reason
    message: str


def conditions_of(
    outcome: ReconcileOutcome,
    publication: Publication | None,
    tally: Tally,
    health: Mapping[str, BanSummary],
) -> list[Condition]:
    """Return every condition, always in this order."""
    accepted = accepted_of(outcome)
    programmed = programmed_of(outcome, publication, tally)
    answered = models_answered_of(outcome)
    return [
        accepted,
        resolved_refs_of(outcome),
        programmed,
        answered,
        ready_of(accepted, programmed, answered),
        partially_invalid_of(outcome),
        credentials_healthy_of(outcome, health),
    ]


def accepted_of(outcome: ReconcileOutcome) -> Condition:
    """Return whether there is a snapshot of what is declared."""
    if outcome.too_large:
        return Condition("Accepted", "False", "SnapshotTooLarge", outcome.too_large)
    if not outcome.accepted:
        return Condition("Accepted", "False", "Invalid", findings_message(outcome.errors))
    return Condition("Accepted", "True", "Accepted", "the resource is valid")


def resolved_refs_of(outcome: ReconcileOutcome) -> Condition:
    """Return whether every Secret and Service is there and holds what it should."""
    broken = [finding for finding in outcome.errors if finding.reason in UNRESOLVED]
    if broken:
        return Condition("ResolvedRefs", "False", broken[0].reason, findings_message(broken))
    if outcome.gone:
        return Condition("ResolvedRefs", "False", "LastValueKept", gone_message(outcome.gone))
    return Condition("ResolvedRefs", "True", "ResolvedRefs", "every Secret and Service was found")


def programmed_of(
    outcome: ReconcileOutcome, publication: Publication | None, tally: Tally
) -> Condition:
    """Return whether every pod that serves or is connected runs what is declared."""
    if outcome.unpublished:
        return Condition("Programmed", "False", "PublishFailed", outcome.unpublished)
    if publication is None:
        return Condition("Programmed", "False", "NothingPublished", "there is no snapshot yet")
    version = short_version(publication.record.version)
    if publication.record.version != outcome.version:
        message = f"pods keep the last good snapshot, {version}"
        return Condition("Programmed", "False", "LastGoodKept", message)
    if not tally.expected:
        name = publication.secret_name
        message = f"{version} is published and no pod is connected that mounts Secret {name}"
        return Condition("Programmed", "Unknown", "NoPods", message)
    return acknowledged_of(version, tally)


def acknowledged_of(version: str, tally: Tally) -> Condition:
    """Return whether every pod runs the version that is declared."""
    if tally.rejections:
        first = tally.rejections[0]
        message = f"{len(tally.rejections)} pods refuse {version}; {first.pod}: {first.reason}"
        return Condition("Programmed", "False", "Rejected", message)
    message = f"{tally.programmed} of {tally.expected} pods run {version}"
    if tally.missing:
        message += f"; {tally.missing} not connected to the operator"
    if tally.programmed < tally.expected:
        return Condition("Programmed", "False", "Pending", message)
    return Condition("Programmed", "True", "Programmed", message)


def models_answered_of(outcome: ReconcileOutcome) -> Condition:
    """Return whether each declared model can be answered by somebody."""
    unanswered = outcome.unanswered
    if not unanswered:
        return Condition("ModelsAnswered", "True", "AllAnswered", "every model can be answered")
    message = f"nobody can answer {len(unanswered)} of {len(outcome.models)} models: "
    message += ", ".join(map(repr, unanswered[:MOST_NAMED]))
    if len(unanswered) > MOST_NAMED:
        message += f" and {len(unanswered) - MOST_NAMED} more"
    return Condition("ModelsAnswered", "False", "NoUsableBackend", message[:LONGEST_MESSAGE])


def ready_of(accepted: Condition, programmed: Condition, answered: Condition) -> Condition:
    """Return the three in one word, for people and for `kubectl get`."""
    if accepted.status != "True":
        return Condition("Ready", "False", "NotAccepted", accepted.message)
    if programmed.status != "True":
        return Condition("Ready", programmed.status, programmed.reason, programmed.message)
    if answered.status != "True":
        return Condition("Ready", "False", answered.reason, answered.message)
    return Condition("Ready", "True", "Ready", programmed.message)


def partially_invalid_of(outcome: ReconcileOutcome) -> Condition:
    """Return whether something was left out so that the rest could be served."""
    errors = outcome.errors if outcome.accepted else []
    if not errors:
        return Condition("PartiallyInvalid", "False", "AllValid", "nothing was left out")
    expected = outcome.usable | outcome.suspended
    dropped = [name for name in outcome.declared if name not in expected]
    message = findings_message(errors)
    if dropped:
        message = f"Dropped credential(s): {', '.join(dropped[:MOST_NAMED])}. {message}"
    return Condition("PartiallyInvalid", "True", errors[0].reason, message[:LONGEST_MESSAGE])


def credentials_healthy_of(
    outcome: ReconcileOutcome, health: Mapping[str, BanSummary]
) -> Condition:
    """Return whether pods leave no credential alone because it kept failing."""
    banned = [
        f"{name} ({health[name].reason})"
        for name in outcome.declared
        if name in health and health[name].state in BANNED
    ]
    if not banned:
        return Condition("CredentialsHealthy", "True", "NoneBanned", "no credential is banned")
    message = f"pods have banned {', '.join(banned[:MOST_NAMED])}"
    if len(banned) > MOST_NAMED:
        message += f" and {len(banned) - MOST_NAMED} more"
    message += "; credentialStatus has until when"
    return Condition("CredentialsHealthy", "False", "CredentialsBanned", message)


def gone_message(gone: Sequence[tuple[str, float]]) -> str:
    """Return which Secrets are gone, and how long their last values are used."""
    named = ", ".join(name for name, _ in gone[:MOST_NAMED])
    more = f" and {len(gone) - MOST_NAMED} more" if len(gone) > MOST_NAMED else ""
    until = kubernetes_time(min(until for _, until in gone))
    return (
        f"Secret(s) gone: {named}{more}; what they held last is used until {until}"
        " (fix: create them again; to stop using a credential at once, set suspended)"
    )


def findings_message(findings: Sequence[Finding]) -> str:
    """Return findings as one message; of many, the first few."""
    message = "; ".join(map(sentence, findings[:MOST_NAMED]))
    if len(findings) > MOST_NAMED:
        message += f"; and {len(findings) - MOST_NAMED} more"
    return message[:LONGEST_MESSAGE]


def sentence(finding: Finding) -> str:
    """Return the field, what is wrong with it, and the remedy."""
    fix = f" (fix: {finding.fix})" if finding.fix else ""
    return f"{finding.field}: {finding.what}{fix}"
