"""Secrets of RouterKeys that an operator makes, and those that it leaves alone."""

from __future__ import annotations

import pytest

from airouter_operator.issuing.issuer import KeyIssuer
from airouter_operator.key_secret import KeySecret
from airouter_operator.kube.objects import Object, ObjectKey
from airouter_operator.watching.kinds import ROUTER_KEYS
from airouter_operator.watching.mirror import Mirror
from support.router_keys import router_key
from support.secrets_in_memory import SecretsInMemory


def a_key(mirror: Mirror, name: str, **spec: str) -> tuple[ObjectKey, Object]:
    """A RouterKey that the mirror has."""
    body, key = router_key(name, **spec), ObjectKey("ai", name)
    body["metadata"] |= {"namespace": "ai", "resourceVersion": "1", "uid": f"uid-{name}"}
    mirror.put(ROUTER_KEYS, key, body)
    return key, body


def never(_: KeySecret | None) -> KeySecret:
    """The content of a Secret that is not to be written."""
    raise AssertionError


@pytest.mark.parametrize("name", ["default-snapshot", "default-ledger", "airouter-operator-ca"])
async def test_no_key_takes_a_name_that_the_operator_needs_for_a_secret_of_its_own(
    name: str,
) -> None:
    mirror, kube = Mirror(), SecretsInMemory()
    for key, body in (a_key(mirror, name), a_key(mirror, "key", secretName=name)):
        issued = await KeyIssuer(kube, mirror).issue(key, body, never)
        assert issued.condition.reason == "SecretNameReserved"
    assert kube.secrets == {}
