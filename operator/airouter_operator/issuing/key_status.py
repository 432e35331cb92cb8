"""The status of a RouterKey: its conditions, what people may know of the key, and its times.

Pure. Messages name objects and grants, never a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from airouter.config.findings import Finding, KeyRefusal
from airouter_operator.issuing.key_spending import SPENDING_FIELDS, KeySpending
from airouter_operator.issuing.rotation import REQUESTS, rotates_at
from airouter_operator.kube.objects import kubernetes_time
from airouter_operator.reconciling.conditions import Condition, findings_message
from airouter_operator.reconciling.status import dated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airouter.config.findings import FieldProblem
    from airouter.config.resource import KeyGrant
    from airouter.config.resource.routerkey import RouterKeySpec
    from airouter_operator.issuing.issuer import Issued
    from airouter_operator.issuing.served import RouterKeysServed
    from airouter_operator.kube.objects import Object

NOTHING_SPENT = KeySpending({}, None, None)
READY = Condition("Ready", "True", "Ready", "the key is good")


class KeyState(NamedTuple):
    """All that the status of a RouterKey tells."""

    name: str
    """`namespace/name`."""
    secret_name: str
    spec: RouterKeySpec
    admitted: KeyGrant | KeyRefusal | None
    """None for a key that has expired."""
    issued: Issued
    served: RouterKeysServed | None
    """None before its RouterConfig has been reconciled."""
    request: str
    """The annotation that asks for another key."""
    vain_wishes: str = ""
    """What to say of models that the key asks for, and its grant does not allow."""
    spending: KeySpending = NOTHING_SPENT


def key_status(state: KeyState, generation: int, before: Mapping[str, Any], now: float) -> Object:
    """Return the whole status; `before` is the one that is there, `now` is Unix seconds."""
    known = before.get("conditions") or ()
    moment = kubernetes_time(now)
    conditions = key_conditions(state, known)
    if state.spending.exhausted is not None:  # which leaves the key as good as it is
        conditions.append(state.spending.exhausted)
    status: Object = {
        "observedGeneration": generation,
        "conditions": [dated(each, generation, known, moment) for each in conditions],
    }
    if state.admitted is not None and not isinstance(state.admitted, KeyRefusal):
        status["grant"] = state.admitted.name
    if (content := state.issued.content) is not None:
        record = content.record
        times = {
            "issuedAt": record.issued_at,
            "rotatesAt": rotates_at(record, state.spec),
            "formerUntil": record.former_until if record.former_until > now else None,
        }
        status |= {"secretName": state.secret_name, "keyPrefix": content.shown}
        status |= {name: kubernetes_time(at) for name, at in times.items() if at is not None}
    if state.spec.expires_at is not None:
        status["expiresAt"] = kubernetes_time(state.spec.expires_at)
    return status | state.spending.fields


def invalid_key_status(
    problems: Iterable[FieldProblem], generation: int, before: Mapping[str, Any], now: float
) -> Object:
    """Return the status of a RouterKey that this operator cannot read, by its problems.

    The CustomResourceDefinition refuses such a one, unless it is of another version.
    """
    found = [
        Finding("error", ("spec", *problem.path), problem.what, problem.fix) for problem in problems
    ]
    admitted = Condition("Admitted", "False", "Invalid", findings_message(found))
    known, moment = before.get("conditions") or (), kubernetes_time(now)
    conditions = (admitted, admitted._replace(type="Ready"))
    return {
        **{name: before[name] for name in SPENDING_FIELDS if name in before},
        "observedGeneration": generation,
        "conditions": [dated(each, generation, known, moment) for each in conditions],
    }


def is_on_its_way(status: Mapping[str, Any]) -> bool:
    """Return whether pods are about to take a key, by its status."""
    conditions: Iterable[Mapping[str, Any]] = status.get("conditions") or ()
    programmed = next((each for each in conditions if each["type"] == "Programmed"), None)
    return programmed is not None and programmed["reason"] == "Pending"


def key_conditions(state: KeyState, before: Iterable[Mapping[str, Any]]) -> list[Condition]:
    """Return every condition, always in this order."""
    first = [admitted_of(state), issued_of(state)]
    conditions = [*first, key_programmed_of(state, first, before)]
    return [*conditions, key_ready_of(conditions)]


def admitted_of(state: KeyState) -> Condition:
    """Return whether a grant lets there be such a key."""
    if state.admitted is None:
        message = "the key ended at its expiresAt (fix: set a later one, or delete the RouterKey)"
        return Condition("Admitted", "False", "Expired", message)
    if isinstance(state.admitted, KeyRefusal):
        return Condition("Admitted", "False", *state.admitted)
    message = f"by grant {state.admitted.name}"
    if state.vain_wishes:
        message += f"; {state.vain_wishes}"
    return Condition("Admitted", "True", "Admitted", message)


def issued_of(state: KeyState) -> Condition:
    """Return whether the key is in its Secret."""
    condition = state.issued.condition
    if state.request and state.request not in REQUESTS:
        wanted = " or ".join(REQUESTS)
        said = f"; the annotation airouter.dev/rotate has no effect (fix: make it {wanted})"
        return condition._replace(message=condition.message + said)
    return condition


def key_programmed_of(
    state: KeyState, first: list[Condition], before: Iterable[Mapping[str, Any]]
) -> Condition:
    """Return whether every pod of the router takes the key."""
    admitted, issued = first
    if admitted.status != "True":
        return Condition("Programmed", "False", "NotAdmitted", "pods do not take the key")
    if issued.status != "True":
        return Condition("Programmed", "False", "NotIssued", "there is no key to take")
    content = state.issued.content
    if state.served is not None and content is not None:
        return state.served.condition(state.name, content.key_sha256)
    # The operator has just started: what was true before is not untrue for that.
    for each in before:
        if each.get("type") == "Programmed":
            return Condition("Programmed", each["status"], each["reason"], each["message"])
    message = "the RouterConfig has not been reconciled yet"
    return Condition("Programmed", "False", "Pending", message)


def key_ready_of(conditions: Iterable[Condition]) -> Condition:
    """Return the conditions in one word, for people and for `kubectl get`."""
    for condition in conditions:
        if condition.status != "True":
            return condition._replace(type="Ready")
    return READY
