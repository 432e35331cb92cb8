"""A pod that asks for a router has one when the API server has made it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from airouter_operator.injecting.injector import INJECT
from airouter_operator.injecting.sidecar import CONTAINER
from airouter_operator.injecting.webhook import PATH
from support.control_plane import ACCOUNT, ControlPlane, OperatorProcess
from support.ports import free_port
from support.resources import Object

WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
SDKS = {"OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"}


class Injection:
    """A webhook's configuration, and the operator behind it."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.name = f"injector-{plane.namespace}"
        self.port = free_port()

    def configuration(self) -> Object:
        """As the chart has it, but that the API server, which is in no cluster, asks by a URL."""
        here = {"key": "kubernetes.io/metadata.name", "operator": "In"}
        rules = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": self.name},
            "webhooks": [
                {
                    "name": "pods.inject.airouter.dev",
                    "clientConfig": {"url": f"https://127.0.0.1:{self.port}{PATH}"},
                    "rules": [{**rules, "operations": ["CREATE"], "scope": "Namespaced"}],
                    "namespaceSelector": {
                        "matchExpressions": [{**here, "values": [self.plane.namespace]}]
                    },
                    "failurePolicy": "Ignore",
                    "reinvocationPolicy": "IfNeeded",
                    "sideEffects": "None",
                    "timeoutSeconds": 3,
                    "admissionReviewVersions": ["v1"],
                }
            ],
        }

    def rights(self) -> list[Object]:
        """The role of the chart's that is the injector's own, and its binding."""
        group = "rbac.authorization.k8s.io"
        ours = {"apiGroups": ["admissionregistration.k8s.io"], "resourceNames": [self.name]}
        rules = [
            {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]},
            {**ours, "resources": ["mutatingwebhookconfigurations"], "verbs": ["list", "patch"]},
        ]
        account = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": self.plane.namespace}
        named = {"apiVersion": f"{group}/v1", "metadata": {"name": self.name}}
        role = {"apiGroup": group, "kind": "ClusterRole", "name": self.name}
        return [
            {**named, "kind": "ClusterRole", "rules": rules},
            {**named, "kind": "ClusterRoleBinding", "roleRef": role, "subjects": [account]},
        ]

    @contextlib.asynccontextmanager
    async def operator(self) -> AsyncIterator[OperatorProcess]:
        """An operator that injects, as soon as the API server trusts it."""
        settings = {"INJECTOR": "true", "INJECTOR_HOST": "127.0.0.1"}
        port, image = str(self.port), {"INJECTOR_IMAGE": "example.com/router:1"}
        own = {"INJECTOR_PORT": port, "INJECTOR_WEBHOOK": self.name, **image}
        async with self.plane.operator(**settings, **own) as operator:
            yield operator

    async def until_trusted(self) -> None:
        """Wait until the operator has put its authority in."""
        async with asyncio.timeout(60):
            while "caBundle" not in (await self.webhook())["clientConfig"]:
                await asyncio.sleep(0.05)

    async def webhook(self) -> dict[str, Any]:
        """The configuration's webhook, as it is now."""
        found: dict[str, Any] = await self.plane.client.get(f"{WEBHOOKS}/{self.name}")
        return dict(found["webhooks"][0])

    async def create(self, name: str, **metadata: Any) -> Object:
        """Create a pod, and return it as the API server has made it."""
        subject = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, **metadata},
            "spec": {"containers": [{"name": "app", "image": "example.com/app:1"}]},
        }
        made = await self.plane.kubectl(
            "create", "-f", "-", "-o", "json", stdin=json.dumps(subject)
        )
        found: Object = json.loads(made)
        return found

    async def until_injected(self, name: str, **metadata: Any) -> Object:
        """Create pods until one has a router: the API server follows a moment later."""
        async with asyncio.timeout(60):
            for number in range(1000):
                found = await self.create(f"{name}-{number}", **metadata)
                if "initContainers" in found["spec"]:
                    return found
                await asyncio.sleep(0.1)
        raise AssertionError("no pod got a router")


@pytest.fixture
async def injection(plane: ControlPlane) -> AsyncIterator[Injection]:
    found = Injection(plane)
    await plane.apply(found.configuration(), *found.rights())
    yield found
    for kind in ("mutatingwebhookconfiguration", "clusterrole", "clusterrolebinding"):
        await plane.kubectl("delete", kind, found.name)


async def test_a_pod_of_a_labelled_namespace_is_made_with_a_router(injection: Injection) -> None:
    plane = injection.plane
    await plane.kubectl("label", "namespace", plane.namespace, f"{INJECT}=default")
    async with injection.operator():
        await injection.until_trusted()
        spec = (await injection.until_injected("app"))["spec"]
        (router,), (app,) = spec["initContainers"], spec["containers"]
        assert (router["name"], router["image"]) == (CONTAINER, "example.com/router:1")
        assert {each["name"] for each in app["env"]} == SDKS
        assert {"secretName": "default-snapshot"}.items() <= spec["volumes"][0]["secret"].items()
        alone = await injection.create("alone", labels={INJECT: "false"})
        assert "initContainers" not in alone["spec"]


async def test_a_pod_names_a_routerconfig_by_a_label_and_not_every_pod_has_a_router(
    injection: Injection,
) -> None:
    async with injection.operator():
        await injection.until_trusted()
        named = await injection.until_injected("named", labels={INJECT: "teams"})
        assert named["spec"]["volumes"][0]["secret"]["secretName"] == "teams-snapshot"
        assert "initContainers" not in (await injection.create("plain"))["spec"]


async def test_a_configuration_that_comes_after_the_operator_is_found(
    injection: Injection,
) -> None:
    await injection.plane.kubectl("delete", "mutatingwebhookconfiguration", injection.name)
    async with injection.operator() as operator:
        await operator.until_logged("there is no MutatingWebhookConfiguration")
        await injection.plane.apply(injection.configuration())
        await injection.until_trusted()
        await injection.until_injected("app", annotations={INJECT: "default"})


async def test_without_an_operator_pods_are_made_as_they_are(injection: Injection) -> None:
    async with injection.operator():
        await injection.until_trusted()
    found = await injection.create("app", labels={INJECT: "default"})
    assert "initContainers" not in found["spec"]
