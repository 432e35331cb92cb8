"""What the operator may do is what it does, and no secret leaves its Secret."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.config import MOCK
from support.control_plane import ACCOUNT, INSTALL, PATIENCE, ControlPlane, condition
from support.http_client import http_client
from support.inference_pools import install_pool_crd, pool
from support.resources import MASTER_KEY, routerconfig, secret
from support.router_keys import (
    grant_to,
    granting,
    key_in,
    router_key,
    until_key_condition,
    until_models,
    until_request_is_withdrawn,
)
from support.router_models import patch_models

Right = tuple[str, str, str]
"""API group, resource (with its subresource) and verb."""


def granted(path: Path) -> set[Right]:
    """The rights of all roles in a manifest."""
    documents = yaml.safe_load_all(path.read_text())
    return {
        (group, resource, verb)
        for document in documents
        for rule in document.get("rules", ())
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def used(plane: ControlPlane) -> set[Right]:
    """The rights that the operator's ServiceAccount has used, all with success."""
    user = f"system:serviceaccount:{plane.namespace}:{ACCOUNT}"
    entries = [entry for entry in plane.api.audit() if entry.user == user and entry.resource]
    assert not [entry for entry in entries if entry.code in {401, 403}]
    return {(e.group, "/".join(filter(None, (e.resource, e.subresource))), e.verb) for e in entries}


async def test_the_operator_uses_all_that_it_is_granted_and_nothing_else(
    plane: ControlPlane,
) -> None:
    await install_pool_crd(plane)
    config, keys = granting(grant_to(plane.namespace))
    pooled = {"name": "qwen", "type": "OpenAICompatible", "inferencePool": {"name": "qwen"}}
    config["spec"]["credentials"].append(pooled)
    await plane.apply(pool("qwen", 8000), config, keys, router_key())
    async with plane.operator(RESYNC="0.5"), plane.router():
        await plane.until_condition("Ready", "True")
        await plane.until(lambda s: s["pods"] == "1/1")
        await plane.kubectl("annotate", "rkey", "checkout", "airouter.dev/rotate=now")
        await until_request_is_withdrawn(plane)
        await key_in(plane)
        async with asyncio.timeout(PATIENCE):
            while used(plane) != granted(INSTALL / "rbac.yaml"):
                await asyncio.sleep(0.2)


def test_the_cluster_wide_rights_are_the_same_and_the_labels_of_namespaces() -> None:
    labels = {("", "namespaces", "list"), ("", "namespaces", "watch")}
    everywhere = granted(INSTALL / "cluster-wide" / "rbac.yaml")
    assert everywhere == granted(INSTALL / "rbac.yaml") | labels


async def test_the_resource_itself_is_left_as_its_author_wrote_it(plane: ControlPlane) -> None:
    await plane.apply(routerconfig(MOCK, models={"m": "mock"}), secret("keys", master=MASTER_KEY))
    before = await plane.config()
    secret_before = await plane.secret("keys")
    async with plane.operator(), plane.router():
        await plane.until_condition("Ready", "True")
        after = await plane.config()
        assert after["spec"] == before["spec"]
        assert own(after["metadata"]) == own(before["metadata"])
        assert await plane.secret("keys") == secret_before
        assert "finalizers" not in (await plane.secret("default-snapshot"))["metadata"]


def own(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata without what the API server counts."""
    counted = {"resourceVersion", "managedFields"}
    return {name: value for name, value in metadata.items() if name not in counted}


async def test_one_operator_serves_a_whole_cluster(plane: ControlPlane) -> None:
    system = plane.in_namespace("airouter-system")
    await system.kubectl("apply", "-k", str(INSTALL / "cluster-wide"))
    other = f"{plane.namespace}-other"
    await plane.kubectl("create", "namespace", other)
    config = routerconfig(MOCK, models={"m": "mock"})
    keys = secret("keys", master=MASTER_KEY)
    kubeconfig = await asyncio.to_thread(
        plane.api.kubeconfig_for, "airouter-system", "auto-ai-router-operator"
    )
    environment = {"KUBECONFIG": str(kubeconfig), "NAMESPACE": "airouter-system", "WATCH": "*"}
    async with plane.operator(**environment):
        elsewhere = plane.in_namespace(other)
        await elsewhere.apply(config, keys)
        async with elsewhere.router():
            found = await elsewhere.until_condition("Programmed", "True")
            assert found["message"].startswith("1 of 1 pods run")
            await elsewhere.patch(patch_models("new"))
            status = await elsewhere.until(lambda s: s["observedGeneration"] == 2)
            assert (condition(status, "Accepted") or {})["status"] == "True"


async def test_a_team_has_a_key_by_the_label_of_its_namespace(plane: ControlPlane) -> None:
    system = plane.in_namespace("airouter-system")
    await system.kubectl("apply", "-k", str(INSTALL / "cluster-wide"))
    team = plane.in_namespace(f"{plane.namespace}-team")
    await plane.kubectl("create", "namespace", team.namespace)
    kubeconfig = await asyncio.to_thread(
        plane.api.kubeconfig_for, "airouter-system", "auto-ai-router-operator"
    )
    environment = {"KUBECONFIG": str(kubeconfig), "NAMESPACE": "airouter-system", "WATCH": "*"}
    label = {"name": "product", "namespaces": {"matchLabels": {"llm": "allowed"}}}
    key = router_key()
    key["spec"]["router"]["namespace"] = plane.namespace
    await plane.apply(*granting(label))
    async with plane.operator(**environment), plane.router() as router:
        await team.apply(key)
        await until_key_condition(team, "Admitted", "False", "NoGrant")
        await plane.kubectl("label", "namespace", team.namespace, "llm=allowed")
        value = (await key_in(team))["OPENAI_API_KEY"]
        await until_models(router, value, ["gpt-4o", "o3"])
        await until_key_condition(team, "Ready", "True")
        await plane.kubectl("label", "namespace", team.namespace, "llm-")
        await until_models(router, value, 401)
        await until_key_condition(team, "Admitted", "False", "NoGrant")


async def test_a_namespaced_operator_says_that_it_reads_no_labels(plane: ControlPlane) -> None:
    label = {"name": "product", "namespaces": {"matchLabels": {"llm": "allowed"}}}
    await plane.kubectl("label", "namespace", plane.namespace, "llm=allowed")
    await plane.apply(*granting(label), router_key())
    async with plane.operator():
        told = await until_key_condition(plane, "Admitted", "False", "NoGrant")
        assert "grant product goes by labels of namespaces" in told["message"]


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this kernel has no IPv6")
async def test_the_operator_listens_on_both_families(plane: ControlPlane) -> None:
    async with (
        plane.operator(HEALTH_HOST="", STREAM_HOST="") as operator,
        http_client(verify=False) as client,
    ):
        for host in ("127.0.0.1", "[::1]"):
            healthy = await client.get(f"http://{host}:{operator.health_port}/healthz")
            assert healthy.status_code == 200
            url = f"https://{host}:{operator.stream_port}/v1/snapshots/a/b"
            assert (await client.post(url)).status_code in {401, 503}
