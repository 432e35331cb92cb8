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
from chart.rendering import NAME, NAMESPACE, of_kind, render
from support.control_plane import ACCOUNT, PATIENCE, ControlPlane, OperatorProcess
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

    def objects(self) -> list[Object]:
        """Those of the chart, but that the API server, which is in no cluster, asks by a URL."""
        text = json.dumps(render(values={"operator.injector.enabled": True}))
        text = text.replace(f"{NAME}-operator.{NAMESPACE}", self.name)
        text = text.replace(f"{NAMESPACE}:{NAME}-operator:injector", self.name)
        text = text.replace(json.dumps(NAMESPACE), json.dumps(self.plane.namespace))
        text = text.replace(json.dumps(f"{NAME}-operator"), json.dumps(ACCOUNT))
        objects = [each for each in json.loads(text) if each["metadata"]["name"] == self.name]
        (configuration,) = of_kind("MutatingWebhookConfiguration", objects)
        for webhook in configuration["webhooks"]:
            webhook["clientConfig"] = {"url": f"https://127.0.0.1:{self.port}{PATH}"}
        return objects

    @contextlib.asynccontextmanager
    async def operator(self, **others: str) -> AsyncIterator[OperatorProcess]:
        """An operator that injects, as soon as the API server trusts it."""
        settings = {"INJECTOR": "true", "INJECTOR_HOST": "127.0.0.1"}
        port, image = str(self.port), {"INJECTOR_IMAGE": "example.com/router:1"}
        own = {"INJECTOR_PORT": port, "INJECTOR_WEBHOOK": self.name, **image}
        async with self.plane.operator(**settings, **own, **others) as operator:
            yield operator

    async def until_trusted(self) -> None:
        """Wait until the operator has put its authority in."""
        async with asyncio.timeout(PATIENCE):
            while not all("caBundle" in each["clientConfig"] for each in await self.webhooks()):
                await asyncio.sleep(0.05)

    async def webhooks(self) -> list[Object]:
        """The webhooks of the configuration, as they are now."""
        found: list[Object] = (await self.plane.client.get(f"{WEBHOOKS}/{self.name}"))["webhooks"]
        return found

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
        async with asyncio.timeout(PATIENCE):
            for number in range(1000):
                found = await self.create(f"{name}-{number}", **metadata)
                if "initContainers" in found["spec"]:
                    return found
                await asyncio.sleep(0.1)
        raise AssertionError("no pod got a router")


@pytest.fixture
async def injection(plane: ControlPlane) -> AsyncIterator[Injection]:
    found = Injection(plane)
    await plane.apply(*found.objects())
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
        await injection.plane.apply(*injection.objects())
        await injection.until_trusted()
        await injection.until_injected("app", annotations={INJECT: "default"})


async def test_without_an_operator_pods_are_made_as_they_are(injection: Injection) -> None:
    async with injection.operator():
        await injection.until_trusted()
    found = await injection.create("app", labels={INJECT: "default"})
    assert "initContainers" not in found["spec"]


async def test_any_replica_puts_routers_into_pods_whichever_leads(injection: Injection) -> None:
    lease = {"LEASE_DURATION": "600"}  # seconds, longer than any test
    async with injection.plane.operator(**lease) as leader:
        await leader.until_logged("this replica leads")
        async with injection.operator(STREAM_PORT="0", **lease) as other:
            await injection.until_trusted()
            await injection.until_injected("app", annotations={INJECT: "default"})
            assert "this replica leads" not in other.log
