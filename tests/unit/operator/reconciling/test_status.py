"""The status, of what was found, published and acknowledged."""

from typing import Any

import pytest

from airouter.config.delivery import Stream
from airouter.config.findings import Finding, NamedItem
from airouter_operator.delivering.pods import Rejection, Tally
from airouter_operator.publication import Publication, PublicationRecord
from airouter_operator.reconciling.credential_health import BanSummary
from airouter_operator.reconciling.outcome import ReconcileOutcome
from airouter_operator.reconciling.status import routerconfig_status

V1, V2 = "a" * 64, "b" * 64
NOW, BEFORE = "2026-11-23T12:00:00Z", "2026-11-20T12:00:00Z"
GONE = Finding(
    "error",
    ("spec", "credentials", NamedItem("two"), "secretRef"),
    "there is no usable Secret 'k'",
    reason="SecretNotFound",
)
WARNING = Finding("warning", ("spec", "redis"), "is not in effect")
MODELS = ("a", "b", "c")
GOOD = ReconcileOutcome(
    ("one", "two"), frozenset({"one", "two"}), MODELS, frozenset(MODELS), version=V1
)


def published(version: str = V1) -> Publication:
    record = PublicationRecord(version, 1_795_435_200_123, 4, "uid", "")
    return Publication(record, "default-snapshot", Stream("u", "c", "t"), b"x" * 77)


def status(
    outcome: ReconcileOutcome = GOOD,
    publication: Publication | None = None,
    tally: Tally = Tally(2, 2),  # noqa: B008 - it is immutable
    before: dict[str, Any] | None = None,
    health: dict[str, BanSummary] | None = None,
) -> dict[str, Any]:
    return routerconfig_status(
        4, outcome, publication or published(), tally, health or {}, before or {}, NOW
    )


def conditions(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]}


def message(status: dict[str, Any], type_: str) -> str:
    return next(str(c["message"]) for c in status["conditions"] if c["type"] == type_)


def test_all_is_well() -> None:
    found = status()
    assert conditions(found) == {
        "Accepted": ("True", "Accepted"),
        "ResolvedRefs": ("True", "ResolvedRefs"),
        "Programmed": ("True", "Programmed"),
        "ModelsAnswered": ("True", "AllAnswered"),
        "Ready": ("True", "Ready"),
        "PartiallyInvalid": ("False", "AllValid"),
        "CredentialsHealthy": ("True", "NoneBanned"),
    }
    assert {c["observedGeneration"] for c in found["conditions"]} == {4}
    assert (found["answeredModels"], found["credentials"], found["pods"]) == ("3/3", "2/2", "2/2")
    assert found["snapshot"] == {
        "version": "a" * 16,
        "secretName": "default-snapshot",
        "publishedAt": "2026-11-23T12:00:00Z",
        "sizeBytes": 77,
    }


@pytest.mark.parametrize(
    ("tally", "expected", "ready"),
    [
        (Tally(3, 2), ("False", "Pending"), ("False", "Pending")),
        (Tally(0, 0), ("Unknown", "NoPods"), ("Unknown", "NoPods")),
        (
            Tally(3, 2, (Rejection("p", V1, "too new"),)),
            ("False", "Rejected"),
            ("False", "Rejected"),
        ),
    ],
)
def test_programmed_means_that_every_connected_pod_runs_it(
    tally: Tally, expected: tuple[str, str], ready: tuple[str, str]
) -> None:
    found = conditions(status(tally=tally))
    assert (found["Programmed"], found["Ready"]) == (expected, ready)


def test_routers_that_look_elsewhere_are_told_where_to_look() -> None:
    found = message(status(tally=Tally()), "Programmed")
    assert found.endswith("no pod is connected that mounts Secret default-snapshot")


def test_one_broken_credential_is_named_and_does_not_make_the_rest_unready() -> None:
    outcome = GOOD._replace(usable=frozenset({"one"}), findings=(GONE, WARNING))
    found = status(outcome)
    assert conditions(found)["ResolvedRefs"] == ("False", "SecretNotFound")
    assert conditions(found)["PartiallyInvalid"] == ("True", "SecretNotFound")
    assert conditions(found)["Ready"] == ("True", "Ready")
    assert message(found, "PartiallyInvalid") == (
        "Dropped credential(s): two. "
        "spec.credentials[name=two].secretRef: there is no usable Secret 'k'"
    )
    assert found["credentialStatus"] == [
        {"name": "one", "resolved": True, "state": "Healthy", "reason": "Resolved"},
        {"name": "two", "resolved": False, "reason": "SecretNotFound"},
    ]


def test_banned_credentials_are_named_with_their_reason_and_end_and_leave_the_rest_ready() -> None:
    health = {"two": BanSummary("Banned", "refused_key", NOW)}
    found = status(health=health)
    assert conditions(found)["CredentialsHealthy"] == ("False", "CredentialsBanned")
    assert conditions(found)["Ready"] == ("True", "Ready")
    assert message(found, "CredentialsHealthy") == (
        "pods have banned two (refused_key); credentialStatus has until when"
    )
    assert found["credentialStatus"][1] == {
        "name": "two",
        "resolved": True,
        "state": "Banned",
        "reason": "refused_key",
        "until": NOW,
    }
    assert status(before=found, health=health) == found


def test_a_ban_that_is_over_is_no_ban_though_nobody_has_tried_yet() -> None:
    found = status(health={"two": BanSummary("HalfOpen", "503", None)})
    assert conditions(found)["CredentialsHealthy"] == ("True", "NoneBanned")
    assert found["credentialStatus"][1]["state"] == "HalfOpen"


def test_a_model_that_nobody_can_answer_is_named_and_is_not_ready() -> None:
    found = status(GOOD._replace(answered=frozenset({"a", "c"})))
    assert (found["models"], found["answeredModels"]) == (2, "2/3")
    assert conditions(found)["ModelsAnswered"] == ("False", "NoUsableBackend")
    assert conditions(found)["Ready"] == ("False", "NoUsableBackend")
    assert message(found, "Ready") == "nobody can answer 1 of 3 models: 'b'"


def test_a_pod_that_serves_and_is_not_connected_is_missing() -> None:
    found = status(tally=Tally(2, 2, missing=1))
    assert conditions(found)["Programmed"] == ("False", "Pending")
    assert found["pods"] == "2/3"
    assert (found["podStatus"]["connected"], found["podStatus"]["expected"]) == (2, 3)


def test_what_is_rejected_keeps_the_last_good_one() -> None:
    outcome = ReconcileOutcome(("one",), findings=(GONE,), accepted=False)
    found = status(outcome, published(V2))
    assert conditions(found)["Accepted"] == ("False", "Invalid")
    assert conditions(found)["Programmed"] == ("False", "LastGoodKept")
    assert conditions(found)["Ready"] == ("False", "NotAccepted")
    assert conditions(found)["PartiallyInvalid"] == ("False", "AllValid")
    assert "b" * 16 in message(found, "Programmed")


def test_what_is_too_large_says_so() -> None:
    found = status(GOOD._replace(too_large="1 byte too many", version=""), published(V2))
    assert conditions(found)["Accepted"] == ("False", "SnapshotTooLarge")
    assert message(found, "Accepted") == "1 byte too many"


def test_a_secret_that_cannot_be_written_says_so() -> None:
    found = status(GOOD._replace(unpublished="PATCH: status 403"))
    assert conditions(found)["Programmed"] == ("False", "PublishFailed")


def test_nothing_is_published_yet() -> None:
    found = routerconfig_status(4, GOOD, None, Tally(), {}, {}, NOW)
    assert conditions(found)["Programmed"] == ("False", "NothingPublished")
    assert "snapshot" not in found


def test_a_condition_keeps_the_time_of_its_last_turn() -> None:
    before = {
        "conditions": [
            {"type": "Accepted", "status": "True", "lastTransitionTime": BEFORE},
            {"type": "Programmed", "status": "False", "lastTransitionTime": BEFORE},
        ]
    }
    found = {c["type"]: c["lastTransitionTime"] for c in status(before=before)["conditions"]}
    assert (found["Accepted"], found["Programmed"]) == (BEFORE, NOW)


def test_the_same_facts_make_the_same_status() -> None:
    first = status()
    assert routerconfig_status(4, GOOD, published(), Tally(2, 2), {}, first, "later") == first


def test_rejections_and_findings_are_bounded() -> None:
    rejections = tuple(Rejection(f"pod-{n}", V1, "no") for n in range(50))
    findings = tuple(
        Finding("error", ("spec", "models", NamedItem(f"m-{n}")), "w" * 50) for n in range(100)
    )
    found = status(GOOD._replace(findings=findings), tally=Tally(50, 0, rejections))
    assert found["podStatus"]["rejected"] == 50
    assert len(found["podStatus"]["rejections"]) == 8
    assert message(found, "PartiallyInvalid").endswith("and 92 more")
    assert max(len(c["message"]) for c in found["conditions"]) <= 4096
