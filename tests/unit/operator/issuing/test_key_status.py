"""The status of a RouterKey: whether it is good, and if not, why and what to do."""

from __future__ import annotations

from typing import Any

from airouter.config.findings import KeyRefusal
from airouter.config.resource import KeyGrant
from airouter.config.resource.routerkey import RouterKeySpec
from airouter_operator.issuing.issuer import Issued, issued_in, not_issued, not_owned
from airouter_operator.issuing.key_status import KeyState, invalid_key_status, key_status
from airouter_operator.issuing.served import RouterKeysServed
from airouter_operator.key_secret import KeyRecord, KeySecret, new_key
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.reconciling.issued_keys import problems_of_key

SECRET = ObjectKey("a", "llm")
CONTENT = KeySecret(new_key(), KeyRecord(1000, "former", 5000), "http://router")
GRANT = KeyGrant.model_validate({"name": "teams", "namespaces": {"names": ["a"]}})
REFUSED = KeyRefusal("NoGrant", "no grant")
HELD = Issued(CONTENT, issued_in(SECRET))
SERVED = RouterKeysServed(
    ("u", 1),
    {"a/one": CONTENT.key_sha256},
    {"a/one": CONTENT.key_sha256},
    {},
    ("True", "Programmed"),
)


def status(before: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    spec = RouterKeySpec.model_validate({"router": {"name": "default"}, **fields.pop("spec", {})})
    given = {"admitted": GRANT, "issued": HELD, "served": SERVED, "request": "", **fields}
    state = KeyState(name="a/one", secret_name="llm", spec=spec, **given)
    return key_status(state, 3, before or {}, now=2000.0)


def conditions(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["status"], each["reason"]) for each in found["conditions"]}


def test_a_key_that_is_good_says_so_and_how_it_begins() -> None:
    found = status(spec={"rotation": {"every": "1h"}, "expiresAt": "1970-01-02T00:00:00Z"})
    assert conditions(found) == {
        "Admitted": ("True", "Admitted"),
        "Issued": ("True", "Issued"),
        "Programmed": ("True", "Programmed"),
        "Ready": ("True", "Ready"),
    }
    del found["conditions"]
    assert found == {
        "observedGeneration": 3,
        "grant": "teams",
        "secretName": "llm",
        "keyPrefix": CONTENT.key[:11],
        "issuedAt": "1970-01-01T00:16:40Z",
        "rotatesAt": "1970-01-01T01:16:40Z",
        "formerUntil": "1970-01-01T01:23:20Z",
        "expiresAt": "1970-01-02T00:00:00Z",
    }


def test_nothing_of_a_key_but_its_beginning_is_told() -> None:
    said = repr(status())
    assert CONTENT.key not in said
    assert CONTENT.key_sha256 not in said


def test_a_key_that_is_not_admitted_is_not_taken_though_it_is_there() -> None:
    found = conditions(status(admitted=REFUSED))
    assert found["Admitted"] == ("False", "NoGrant")
    assert found["Issued"] == ("True", "Issued")
    assert found["Programmed"] == ("False", "NotAdmitted")
    assert found["Ready"] == ("False", "NoGrant")


def test_a_good_key_is_told_what_it_asks_for_in_vain() -> None:
    found = status(vain_wishes="grant teams allows no model for o3 (fix: take it out)")
    assert conditions(found)["Ready"] == ("True", "Ready")
    (admitted,) = (each for each in found["conditions"] if each["type"] == "Admitted")
    assert admitted["status"] == "True"
    assert admitted["message"] == (
        "by grant teams; grant teams allows no model for o3 (fix: take it out)"
    )


def test_a_key_that_has_expired_says_so() -> None:
    assert conditions(status(admitted=None))["Ready"] == ("False", "Expired")


def test_a_key_without_a_secret_is_not_taken() -> None:
    found = conditions(status(issued=Issued(None, not_owned(SECRET))))
    assert found["Programmed"] == ("False", "NotIssued")
    assert found["Ready"] == ("False", "SecretNotOwned")
    assert "keyPrefix" not in status(issued=Issued(None, not_issued("NotIssued", "none")))


def test_a_key_of_another_version_of_the_crd_is_told_what_cannot_be_read() -> None:
    body = {"spec": {"router": {"name": "default"}, "quota": {"usd": "1"}}}
    found = invalid_key_status(problems_of_key(body), 3, {}, now=2000.0)
    assert conditions(found) == {"Admitted": ("False", "Invalid"), "Ready": ("False", "Invalid")}
    message = found["conditions"][0]["message"]
    assert message.startswith("spec.quota: is not a known field (fix: use one of: budget, ")


def test_an_operator_that_has_just_started_takes_back_nothing() -> None:
    before = status()
    assert status(before, served=None) == before
    assert conditions(status(served=None))["Programmed"] == ("False", "Pending")


def test_an_annotation_that_nobody_understands_is_told() -> None:
    (issued,) = (c for c in status(request="soon")["conditions"] if c["type"] == "Issued")
    assert issued["message"] == (
        "the key is in Secret llm; the annotation airouter.dev/rotate has no effect "
        "(fix: make it now or overlap)"
    )
