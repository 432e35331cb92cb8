"""The keys of the cluster, as an API server shows them or does not."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from airouter.config.compile.identities import ClusterIdentity
from airouter.config.jwks import public_keys
from airouter_operator.kube.api import KubeApi
from airouter_operator.kube.errors import KubeError
from airouter_operator.kube.objects import Object, ObjectKey
from airouter_operator.kube.paths import ISSUER_DISCOVERY
from airouter_operator.reconciling.cluster_identity import EVERY, ClusterIdentities
from airouter_operator.reconciling.rechecks import Rechecks
from airouter_operator.watching.kinds import NAMESPACES, ROUTER_CONFIGS
from airouter_operator.watching.mirror import Mirror
from support.token_issuer import Issuer

KEY = ObjectKey("ai", "default")
ISSUER = "https://kubernetes.default.svc"


class Cluster:
    """An API server that shows its keys, and an operator's view of it."""

    def __init__(self, *rules: Object) -> None:
        self.jwks = Issuer(ISSUER).jwks
        self.error: KubeError | None = None
        self.asked = 0
        self.now = 0.0
        self.due: list[ObjectKey] = []
        self.mirror = Mirror()
        body = {"metadata": {"name": "default", "namespace": "ai", "uid": "u", "generation": 1}}
        spec = {"auth": {"serviceAccounts": list(rules)}} if rules else {}
        self.mirror.put(ROUTER_CONFIGS, KEY, {**body, "spec": spec})
        self.identities = ClusterIdentities(
            cast("KubeApi", self), self.mirror, Rechecks(self.due.append), lambda: self.now
        )

    async def get(self, path: str, *, accept: str = "") -> Object:
        self.asked += 1
        if self.error is not None:
            raise self.error
        found: Any = {"issuer": ISSUER} if path == ISSUER_DISCOVERY else json.loads(self.jwks)
        return cast("Object", found)

    async def look(self) -> ClusterIdentity:
        await self.identities.refresh(KEY)
        return self.identities.of(KEY)


BY_NAME = {"name": "a", "namespaces": {"names": ["team-a"]}}
BY_LABEL = {"name": "a", "namespaces": {"matchLabels": {"llm": "allowed"}}}


def namespace(name: str, **labels: str) -> Object:
    return {"metadata": {"name": name, "uid": name, "resourceVersion": "1", "labels": labels}}


async def test_keys_are_read_where_a_rule_has_use_for_them_and_not_else() -> None:
    assert await (idle := Cluster()).look() == ClusterIdentity(None)
    assert idle.asked == 0
    cluster = Cluster(BY_NAME)
    found = (await cluster.look()).issuer
    assert found is not None
    assert (found.issuer, found.keys) == (ISSUER, public_keys(cluster.jwks))


async def test_keys_that_are_new_are_found_a_minute_later_and_not_asked_for_before() -> None:
    cluster = Cluster(BY_NAME)
    await cluster.look()
    cluster.jwks = Issuer(ISSUER).jwks
    await cluster.look()
    assert cluster.asked == 2
    cluster.now += EVERY
    found = (await cluster.look()).issuer
    assert found is not None
    assert found.keys == public_keys(cluster.jwks)


async def test_keys_outlive_an_outage() -> None:
    cluster = Cluster(BY_NAME)
    before = await cluster.look()
    cluster.now += EVERY
    cluster.error = KubeError("down")
    assert await cluster.look() == before


async def test_an_outage_at_the_start_is_waited_for_rather_than_cutting_everybody_off() -> None:
    cluster = Cluster(BY_NAME)
    cluster.error = KubeError("down", 500)
    with pytest.raises(KubeError):
        await cluster.look()


async def test_keys_that_the_operator_may_not_see_are_none() -> None:
    cluster = Cluster(BY_NAME)
    cluster.error = KubeError("forbidden", 403)
    assert await cluster.look() == ClusterIdentity(None)


async def test_labels_of_namespaces_are_looked_at_and_their_changes_matter() -> None:
    cluster = Cluster(BY_LABEL)
    team = namespace("team-a", llm="allowed")
    cluster.mirror.put(NAMESPACES, ObjectKey("", "team-a"), team)
    assert KEY in cluster.mirror.concerned(NAMESPACES, team)
    (found,) = (await cluster.look()).namespaces or ()
    assert (found.name, found.labels) == ("team-a", {"llm": "allowed"})
    assert KEY not in Cluster(BY_NAME).mirror.concerned(NAMESPACES, team)
