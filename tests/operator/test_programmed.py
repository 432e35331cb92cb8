"""`Programmed` is true once every pod that serves runs the configuration, and not before."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from support.config import MOCK
from support.control_plane import ACCOUNT, ControlPlane
from support.resources import MASTER_KEY, routerconfig, secret
from support.router_models import patch_models

FOR_EVER = "600"
"""Seconds, longer than any test."""
WITHOUT_ENDPOINTS = """[
  {"op": "test", "path": "/rules/5/resources/0", "value": "endpointslices"},
  {"op": "remove", "path": "/rules/5"}
]"""


@pytest.fixture(autouse=True)
async def declared(plane: ControlPlane) -> None:
    await plane.apply(
        routerconfig(MOCK, models={"first": "mock"}), secret("keys", master=MASTER_KEY)
    )


def endpoint_slice(*pods: str, starting: tuple[str, ...] = ()) -> dict[str, Any]:
    """The slice of a Service, as the controller makes it for pods that are ready, or not yet."""
    endpoints = [
        {
            "addresses": [f"10.0.0.{number}"],
            "conditions": {"ready": name in pods},
            "targetRef": {"kind": "Pod", "name": name},
        }
        for number, name in enumerate((*pods, *starting), start=1)
    ]
    labels = {"airouter.dev/config": "default", "kubernetes.io/service-name": "router"}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "router-1", "labels": labels},
        "addressType": "IPv4",
        "endpoints": endpoints,
    }


async def test_a_pod_that_serves_without_the_operator_is_waited_for(plane: ControlPlane) -> None:
    await plane.apply(endpoint_slice("pod-0", "pod-1", starting=("pod-2",)))
    async with plane.operator(), plane.router("pod-0"):
        await plane.until(lambda s: s["pods"] == "1/2")
        pending = await plane.until_condition("Programmed", "False", "Pending")
        assert pending["message"].endswith("1 not connected to the operator")
        async with plane.router("pod-1"):
            done = await plane.until_condition("Programmed", "True")
            assert done["message"].startswith("2 of 2 pods run")


async def test_a_pod_that_serves_no_longer_is_not_waited_for(plane: ControlPlane) -> None:
    await plane.apply(endpoint_slice("pod-0", "pod-1"))
    async with plane.operator(), plane.router("pod-0"):
        await plane.until(lambda s: s["pods"] == "1/2")
        await plane.apply(endpoint_slice("pod-0"))
        await plane.until_condition("Programmed", "True")


async def test_a_pod_that_an_operator_that_was_killed_has_known_is_waited_for(
    plane: ControlPlane,
) -> None:
    async with plane.operator() as killed, plane.router("pod-0"), plane.router("pod-1") as stuck:
        await plane.until(lambda s: s["pods"] == "2/2")
        await killed.kill()
        stuck.signal(signal.SIGSTOP)
        await plane.patch(patch_models("second"))
        async with plane.operator(POD_RETURN=FOR_EVER):
            await plane.until(lambda s: s["observedGeneration"] == 2 and s["pods"] == "1/2")
            await plane.until_condition("Programmed", "False", "Pending")
            stuck.signal(signal.SIGCONT)
            await plane.until_condition("Programmed", "True")


async def test_the_pods_of_one_that_was_deleted_are_waited_for_by_its_successor(
    plane: ControlPlane,
) -> None:
    async with plane.operator(), plane.router("pod-0"), plane.router("pod-1"):
        await plane.until(lambda s: s["pods"] == "2/2")
        await plane.kubectl("delete", "rcfg", "default")
        await plane.until_secret_is_gone("default-snapshot")
        await plane.apply(routerconfig(MOCK, models={"second": "mock"}))
        await plane.until_condition("Accepted", "True")
        async with plane.router("pod-0"):
            await plane.until(lambda s: s["pods"] == "1/2")
            await plane.until_condition("Programmed", "False", "Pending")


async def test_where_the_right_to_endpoints_is_withdrawn_connected_pods_count(
    plane: ControlPlane,
) -> None:
    await plane.apply(endpoint_slice("pod-0", "pod-1"))
    async with plane.operator() as operator, plane.router("pod-0"):
        await plane.until(lambda s: s["pods"] == "1/2")
        await plane.kubectl("patch", "role", ACCOUNT, "--type=json", "-p", WITHOUT_ENDPOINTS)
        await plane.patch(patch_models("second"))
        await plane.until_condition("Programmed", "True")
        assert operator.log.count("may not list") == 1
