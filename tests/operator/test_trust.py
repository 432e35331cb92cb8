"""What an operator lets a RouterConfig name: Secrets by their label, and hosts."""

from __future__ import annotations

from support.config import MOCK
from support.control_plane import ControlPlane, condition
from support.resources import MASTER_KEY, Object, routerconfig, secret

PAID = {
    "name": "paid",
    "type": "OpenAICompatible",
    "baseURL": "http://127.0.0.1:9/v1",
    "secretRef": {"name": "providers", "key": "paid"},
}
ALLOW = "airouter.dev/allow=true"


def labelled(manifest: Object) -> Object:
    name, value = ALLOW.split("=")
    manifest["metadata"]["labels"] = {name: value}
    return manifest


async def test_a_secret_without_the_label_is_not_read_and_not_told_from_one_that_is_missing(
    plane: ControlPlane,
) -> None:
    await plane.apply(labelled(secret("keys", master=MASTER_KEY)), secret("providers", paid="sk-1"))
    missing = {**PAID, "name": "missing", "secretRef": {"name": "nowhere"}}
    await plane.apply(routerconfig(MOCK, PAID, missing, models={"m": "mock", "best": "paid"}))
    async with plane.operator(SECRETS_REQUIRE_LABEL="true"):
        found = await plane.until_condition("ResolvedRefs", "False", "RefNotPermitted")
        for name, credential in (("providers", "paid"), ("nowhere", "missing")):
            assert (
                f"spec.credentials[name={credential}].secretRef: there is no Secret '{name}' that"
                " RouterConfigs may name (fix: create it, or give it the label"
                ' airouter.dev/allow: "true")'
            ) in found["message"]
        assert (await plane.status())["credentials"] == "1/3"
        await plane.kubectl("label", "secret", "providers", ALLOW)
        await plane.until(lambda s: s["credentials"] == "2/3")
        await plane.kubectl("label", "secret", "providers", "airouter.dev/allow-")
        await plane.until(lambda s: s["credentials"] == "1/3")


async def test_a_key_is_sent_to_allowed_hosts_alone(plane: ControlPlane) -> None:
    await plane.apply(secret("keys", master=MASTER_KEY), secret("providers", paid="sk-1"))
    theirs = {**PAID, "name": "theirs", "baseURL": "https://attacker.example/v1"}
    await plane.apply(routerconfig(PAID, theirs, models={"m": "paid"}))
    async with plane.operator(ALLOWED_HOSTS="127.0.0.1, *.openai.com"):
        found = await plane.until_condition("PartiallyInvalid", "True", "HostNotAllowed")
        assert found["message"] == (
            "Dropped credential(s): theirs. spec.credentials[name=theirs].baseURL: is at a host"
            " that the operator does not allow (fix: use one of: 127.0.0.1, *.openai.com; or have"
            " operator.allowedHosts extended)"
        )
        status = await plane.status()
        assert status["credentialStatus"] == [
            {"name": "paid", "resolved": True, "state": "Healthy", "reason": "Resolved"},
            {"name": "theirs", "resolved": False, "reason": "HostNotAllowed"},
        ]
        assert (condition(status, "ResolvedRefs") or {})["status"] == "True"
