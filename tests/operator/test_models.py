"""The status tells which models and credentials are of use."""

from __future__ import annotations

import asyncio

from support.config import MOCK
from support.control_plane import PATIENCE, ControlPlane, condition
from support.resources import MASTER_KEY, routerconfig, secret
from support.router_models import models

PAID = {
    "name": "paid",
    "type": "OpenAICompatible",
    "baseURL": "http://127.0.0.1:9/v1",
    "secretRef": {"name": "providers", "key": "paid"},
}


async def test_a_model_that_answers_only_503_is_not_ready(plane: ControlPlane) -> None:
    await plane.apply(routerconfig(MOCK, PAID, models={"free": "mock", "best": "paid"}))
    await plane.apply(secret("keys", master=MASTER_KEY))
    async with plane.operator() as operator, plane.router():
        await plane.until_condition("Programmed", "True")
        ready = await plane.until_condition("Ready", "False")
        assert ready["reason"] == "NoUsableBackend"
        status = await plane.status()
        assert (status["models"], status["answeredModels"]) == (1, "1/2")
        unanswered = condition(status, "ModelsAnswered") or {}
        assert (unanswered["status"], unanswered["reason"]) == ("False", "NoUsableBackend")
        assert unanswered["message"] == "nobody can answer 1 of 2 models: 'best'"
        await plane.until_told("Warning", "NoUsableBackend")
        shown = await plane.kubectl("get", "rcfg", "default", "-o", "wide")
        assert "PARTIALLYINVALID" in shown
        assert "1/2" in shown
        page = (await operator.page("/metrics")).text
        assert metric(plane, "ModelsAnswered", "False") in page
        await plane.apply(secret("providers", paid="sk-paid"))
        await plane.until_condition("Ready", "True")
        assert (await plane.status())["answeredModels"] == "2/2"
        await plane.kubectl("delete", "rcfg", "default")
        async with asyncio.timeout(PATIENCE):
            while "routerconfig_condition{" in (await operator.page("/metrics")).text:
                await asyncio.sleep(0.1)


def metric(plane: ControlPlane, type_: str, status: str) -> str:
    return (
        'airouter_operator_routerconfig_condition{routerconfig="default",'
        f'routerconfig_namespace="{plane.namespace}",status="{status}",type="{type_}"}} 1.0'
    )


async def test_without_the_master_key_the_status_tells_what_pods_go_on_serving(
    plane: ControlPlane,
) -> None:
    await plane.apply(routerconfig(MOCK, models={"m": "mock"}), secret("keys", master=MASTER_KEY))
    async with plane.operator(), plane.router() as router:
        await plane.until_condition("Ready", "True")
        await plane.kubectl("delete", "secret", "keys")
        await plane.until_condition("Accepted", "False", "Invalid")
        status = await plane.status()
        assert await models(router) == ["m"]
        assert (status["models"], status["credentials"]) == (1, "1/1")
        assert status["credentialStatus"] == [
            {"name": "mock", "resolved": True, "state": "Healthy", "reason": "Resolved"}
        ]
