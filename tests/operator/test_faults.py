"""What goes wrong in a cluster, and how the operator and the routers come through."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from airouter.config.delivery import STREAM_FILE
from support.config import MOCK
from support.control_plane import (
    ACCOUNT,
    PATIENCE,
    ControlPlane,
    OperatorProcess,
    condition,
    control_plane,
)
from support.kubernetes.apiserver import KubectlFailed
from support.kubernetes.faults import FaultyProxy
from support.ports import free_port
from support.resources import MASTER_KEY, routerconfig, secret
from support.router_models import models, patch_models, until_models

OUTAGE = float(os.environ.get("OUTAGE", "5"))
"""Seconds that the API server is away."""
STILL = 3.0
"""Seconds in which operators that fight would write, or reconcile, many times."""
FOR_EVER = "600"
"""Seconds, longer than any test."""
LIST_SECRETS_ONLY = '[{"op": "replace", "path": "/rules/3/verbs", "value": ["list", "watch"]}]'


@pytest.fixture(autouse=True)
async def declared(plane: ControlPlane) -> None:
    await plane.apply(
        routerconfig(MOCK, models={"first": "mock"}), secret("keys", master=MASTER_KEY)
    )


@pytest.fixture
async def elsewhere(plane: ControlPlane, tmp_path: Path) -> AsyncIterator[ControlPlane]:
    """Another namespace, whose operator may do in the first all that its own may."""
    name = f"{plane.namespace}-elsewhere"
    await plane.kubectl("create", "namespace", name)
    async with control_plane(plane.api, name, tmp_path) as other:
        account = f"--serviceaccount={name}:{ACCOUNT}"
        await plane.kubectl("create", "rolebinding", "other", f"--role={ACCOUNT}", account)
        yield other
    await plane.kubectl("delete", "namespace", name, "--wait=false")


async def test_routers_live_without_their_operator(plane: ControlPlane) -> None:
    async with plane.operator() as operator, plane.router("old") as old:
        await plane.until_condition("Ready", "True")
        await operator.kill()
        await plane.patch(patch_models("second"))
        assert await models(old) == ["first"]
        async with plane.router("new") as new:
            assert await models(new) == ["first"]
            async with plane.operator():
                for router in (old, new):
                    await until_models(router, ["second"])
                await plane.until_condition("Programmed", "True")
                await plane.until(lambda s: s["pods"] == "2/2")


@pytest.mark.parametrize("setting", ["STREAM_PORT", "HEALTH_PORT"])
async def test_a_port_that_is_taken_ends_the_operator_with_one_line_that_has_the_remedy(
    plane: ControlPlane, setting: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with plane.operator_process(**{setting: str(port)}) as operator:
            assert await operator.ends() == 2
    assert f"port {port}: " in operator.log
    last = json.loads(operator.log.splitlines()[-1])["message"]
    assert "address already in use" in last
    assert "(fix: end the process that listens there, or choose another port)" in last
    assert "Traceback" not in operator.log


async def test_an_operator_that_starts_anew_writes_nothing_that_is_there(
    plane: ControlPlane,
) -> None:
    async with plane.operator() as operator, plane.router("one"), plane.router("two"):
        await plane.until(lambda s: s["pods"] == "2/2")
        await plane.until_told("Normal", "Programmed")  # Events come after the status
        before = await versions(plane), len(await plane.events())
        await operator.kill()
        async with plane.operator(POD_RETURN=FOR_EVER) as following:
            await following.until_metric("pods_connected", 2)
            await asyncio.sleep(1)
            assert (await versions(plane), len(await plane.events())) == before


async def test_a_container_that_is_restarted_in_its_pod_does_not_wait_for_its_own_lease(
    plane: ControlPlane,
) -> None:
    settings = {"LEASE_DURATION": "600", "POD_UID": "6f1c-of-the-pod"}
    async with plane.operator(**settings) as operator:
        await plane.until_condition("Accepted", "True")
        await operator.kill()
    async with plane.operator(**settings) as following:
        await following.until_logged("this replica leads")
        await plane.patch(patch_models("second"))
        await plane.until_condition("Accepted", "True")


async def test_it_comes_through_an_outage_of_the_api_server(plane: ControlPlane) -> None:
    async with plane.operator() as operator, plane.router() as router:
        await plane.until_condition("Ready", "True")
        async with plane.outage():
            await asyncio.sleep(OUTAGE)
            assert await models(router) == ["first"]
            assert (await router.health())["stream"]["connected"]
            assert (await operator.page("/healthz")).status_code == 200
        await plane.patch(patch_models("second"))
        await until_models(router, ["second"])
        await plane.until_condition("Ready", "True")


async def test_it_comes_through_a_time_without_its_rights(plane: ControlPlane) -> None:
    with FaultyProxy(plane.api.url) as proxy:
        kubeconfig = await plane.kubeconfig(proxy)
        async with plane.operator(KUBECONFIG=kubeconfig) as operator, plane.router() as router:
            await plane.until_condition("Ready", "True")
            await plane.kubectl("delete", "rolebinding", ACCOUNT)
            await until_refused(operator, proxy)
            await operator.until_logged("Request attempt #6 failed")
            await plane.install()
            await plane.patch(patch_models("second"))
            await until_models(router, ["second"])
            await plane.until_condition("Ready", "True")


async def until_refused(operator: OperatorProcess, proxy: FaultyProxy) -> None:
    """Have the operator watch anew until the API server knows that it may not."""
    async with asyncio.timeout(PATIENCE):
        while "Request attempt #2 failed" not in operator.log:
            await asyncio.to_thread(proxy.cut)
            await asyncio.sleep(0.5)


async def test_it_comes_through_a_time_in_which_its_token_is_refused(plane: ControlPlane) -> None:
    async with plane.operator() as operator, plane.router() as router:
        await plane.until_condition("Ready", "True")
        async with plane.other_token_key():
            await operator.until_logged("status 401")
            await operator.until_logged("will log in again")
        await plane.patch(patch_models("second"))
        await until_models(router, ["second"])


async def test_what_was_deleted_while_nobody_watched_is_noticed(plane: ControlPlane) -> None:
    async with plane.operator() as operator, plane.router():
        await plane.until_condition("Ready", "True")
        await asyncio.to_thread(plane.api.compact)
        await plane.kubectl("delete", "secret", "keys")
        await plane.until_condition("ResolvedRefs", "False", "SecretNotFound")
        assert "Traceback" not in operator.log


async def test_a_resource_version_that_has_expired_is_no_obstacle(plane: ControlPlane) -> None:
    async with plane.operator(), plane.router() as router:
        await plane.until_condition("Ready", "True")
        for name in ("second", "third"):
            await asyncio.to_thread(plane.api.compact)
            await plane.patch(patch_models(name))
            await until_models(router, [name])


async def test_a_watch_that_silently_dies_is_found_out(plane: ControlPlane) -> None:
    with FaultyProxy(plane.api.url) as proxy:
        kubeconfig = await plane.kubeconfig(proxy)
        settings = {"RESYNC": "1", "WATCH_PATIENCE": "1", "KUBECONFIG": kubeconfig}
        async with plane.operator(**settings) as operator, plane.router() as router:
            await plane.until_condition("Ready", "True")
            assert (await operator.page("/healthz")).status_code == 200
            proxy.freeze()
            await plane.patch(patch_models("second"))
            await until_models(router, ["second"])
            await plane.until_condition("Programmed", "True")
            assert await operator.metric("missed_objects_total") > 0
            sick = await until_sick(operator)
            assert sick == {
                "status": "failing",
                "problems": [f"the watch of routerconfigs in {plane.namespace} is silent"],
            }


async def until_sick(operator: OperatorProcess) -> object:
    async with asyncio.timeout(PATIENCE):
        while (page := await operator.page("/healthz")).status_code == 200:
            await asyncio.sleep(0.1)
    return page.json()


async def test_a_secret_that_somebody_else_writes_all_the_time_is_no_obstacle(
    plane: ControlPlane,
) -> None:
    async with plane.operator() as operator, plane.router() as router:
        await plane.until_condition("Ready", "True")
        writing = asyncio.create_task(label_for_ever(plane))
        for number in range(10):
            await plane.patch(patch_models(f"model-{number}"))
            await until_models(router, [f"model-{number}"])
        writing.cancel()
        await plane.until_condition("Ready", "True")
        assert "Traceback" not in operator.log


async def label_for_ever(plane: ControlPlane) -> None:
    """Change the snapshot Secret as fast as kubectl can."""
    number = 0
    while True:
        number += 1
        await plane.kubectl("label", "--overwrite", "secret", "default-snapshot", f"n={number}")


async def test_two_operators_do_not_fight(plane: ControlPlane) -> None:
    lease = {"LEASE_DURATION": "10"}  # seconds, longer than a loaded machine keeps the leader busy
    async with (
        plane.operator(**lease) as one,
        plane.operator(STREAM_PORT="0", STREAM_URL=plane.stream_url, **lease) as two,
        plane.router() as router,
    ):
        await plane.until_condition("Ready", "True")
        leading = [await operator.metric("leading") for operator in (one, two)]
        assert sorted(leading) == [0.0, 1.0]
        await until_still(plane)
        for number in range(5):
            await plane.patch(patch_models(f"model-{number}"))
            await until_models(router, [f"model-{number}"])
        since = (condition(await plane.status(), "Accepted") or {})["lastTransitionTime"]
        leader, other = (one, two) if leading[0] else (two, one)
        await leader.kill()
        await plane.patch(patch_models("last"))
        async with asyncio.timeout(PATIENCE):
            while not await other.metric("leading"):
                await asyncio.sleep(0.1)
        await plane.until(lambda s: s["models"] == 1 and s["observedGeneration"] == 7)
        assert (condition(await plane.status(), "Accepted") or {})["lastTransitionTime"] == since


async def test_two_operators_of_different_namespaces_do_not_fight(
    plane: ControlPlane, elsewhere: ControlPlane
) -> None:
    ahead, behind = sorted([plane, elsewhere], key=lambda each: each.stream_url)
    async with behind.operator(WATCH=plane.namespace), plane.router():
        await plane.until_condition("Ready", "True")
        async with ahead.operator(WATCH=plane.namespace) as other:
            await until_streamed_by(plane, ahead)
            await until_still(plane)
            before = await other.metric("reconciles_total")
            await asyncio.sleep(STILL)
            assert await other.metric("reconciles_total") < before + 10


async def until_streamed_by(plane: ControlPlane, operator: ControlPlane) -> None:
    async with asyncio.timeout(PATIENCE):
        while operator.stream_url.encode() not in await streamed(plane):
            await asyncio.sleep(0.05)


async def streamed(plane: ControlPlane) -> bytes:
    """Where the pods of the RouterConfig are told to poll."""
    data = (await plane.secret("default-snapshot"))["data"]
    return base64.b64decode(data[STREAM_FILE])


async def versions(plane: ControlPlane) -> list[str]:
    """Of all that an operator writes but for its lease."""
    objects = [await plane.config(), await plane.secret("default-snapshot")]
    return [each["metadata"]["resourceVersion"] for each in objects]


async def until_still(plane: ControlPlane) -> None:
    """Wait until nobody writes any more: of operators that fight, one always does."""
    async with asyncio.timeout(PATIENCE):
        before: list[str] = []
        while (now := await versions(plane)) != before:
            before = now
            await asyncio.sleep(STILL)


async def test_a_webhook_that_cannot_be_asked_is_told_until_it_can(plane: ControlPlane) -> None:
    async with plane.operator(RETRY_FIRST="0.1", RETRY_LONGEST="1"):
        await plane.until_condition("Accepted", "True")
        async with dead_webhook(plane):
            await plane.patch(patch_models("second"))
            failed = await plane.until_condition("Programmed", "False", "PublishFailed")
            assert failed["message"] == (
                "the API server does not take Secret default-snapshot: status 500"
                " (fix: see the operator's rights, quotas, admission policies and webhooks)"
            )
        await plane.until_condition("Programmed", "Unknown", "NoPods")


@contextlib.asynccontextmanager
async def dead_webhook(plane: ControlPlane) -> AsyncIterator[None]:
    """A webhook for the Secrets of a namespace that nobody serves."""
    webhook = {
        "name": "dead.example.com",
        "clientConfig": {"url": f"https://127.0.0.1:{free_port()}"},
        "rules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "resources": ["secrets"],
                "operations": ["*"],
            }
        ],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": plane.namespace}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    await plane.apply(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": plane.namespace},
            "webhooks": [webhook],
        }
    )
    try:
        await until_asked(plane)
        yield
    finally:
        await plane.kubectl("delete", "validatingwebhookconfiguration", plane.namespace)


async def until_asked(plane: ControlPlane) -> None:
    """The API server knows a new webhook a moment after it was made."""
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(KubectlFailed):
            while True:
                labelled = f"tried={time.monotonic()}"
                await plane.kubectl("label", "secret", "keys", labelled, "--overwrite")


async def test_an_operator_that_may_not_write_says_so_and_starts_once_it_may(
    plane: ControlPlane,
) -> None:
    await plane.kubectl("patch", "role", ACCOUNT, "--type=json", "-p", LIST_SECRETS_ONLY)
    async with plane.operator_process() as operator:
        await operator.until_logged("may not write Secret airouter-operator-ca")
        await plane.install()
        await operator.until_listening()
        await plane.until_condition("Accepted", "True")


async def test_an_operator_without_its_crd_or_rights_says_what_is_missing(
    plane: ControlPlane,
) -> None:
    await plane.kubectl("delete", "rolebinding", ACCOUNT)
    async with plane.operator_process() as operator:
        await operator.until_logged("see manifests/install/rbac.yaml")
        await plane.install()
        await operator.until_listening()
        await plane.until_condition("Accepted", "True")
