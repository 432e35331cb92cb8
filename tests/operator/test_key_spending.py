"""The status of a RouterKey tells what was spent, over real routers and an API server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from airouter.config.resource.routerkey import ROUTER_KEY_KIND
from support.control_plane import PATIENCE, ControlPlane, condition
from support.http_client import http_client
from support.resources import Object
from support.router import RouterProcess
from support.router_keys import (
    grant_to,
    granting,
    key_in,
    key_object,
    router_key,
    until_key,
    until_key_condition,
    until_keys_are_told,
    until_models,
)

MODELS = ["gpt-4o", "o3"]
BUDGET = {"usd": "1.00", "period": "Month"}


async def ask(router: RouterProcess, key: str, times: int) -> list[httpx.Response]:
    """Ask some times, once the ledger knows what is left; each answer costs a cent."""
    hello = [{"role": "user", "content": "Hello!"}]
    chat = {"model": "gpt-4o", "messages": hello, "max_tokens": 100}
    headers = {"authorization": f"Bearer {key}"}
    async with http_client(base_url=router.base_url, headers=headers) as client:
        answers: list[httpx.Response] = []
        async with asyncio.timeout(PATIENCE):
            while len(answers) < times:
                answer = await client.post("/chat/completions", json=chat)
                if "rate_limit_exceeded" in answer.text:
                    await asyncio.sleep(0.05)
                else:
                    answers.append(answer)
        return answers


def is_refused(answer: httpx.Response) -> bool:
    """Whether an answer is that there is not enough money."""
    return "insufficient_quota" in answer.text


def is_warned(answer: httpx.Response) -> bool:
    """Whether an answer tells that the money is spent."""
    return ("x-airouter-budget", "spent") in answer.headers.items()


async def until_answer(
    router: RouterProcess, key: str, wanted: Callable[[httpx.Response], bool]
) -> None:
    """Ask until an answer is such a one."""
    async with asyncio.timeout(PATIENCE):
        while not wanted((await ask(router, key, 1))[0]):
            pass


def at_a_cent(grant: Object, **spec: Any) -> list[Object]:
    """A RouterConfig with a grant whose answers are of 100 tokens, and cost a cent."""
    objects = granting(grant)
    config = objects[0]["spec"]
    config["credentials"][0]["mock"] = {"reply": "tokens:100"}
    for model in config["models"]:
        model["backends"][0]["price"] = {"output": "100"}
    config.update(spec)
    return objects


async def until_spent(plane: ControlPlane, usd: str, requests: int) -> Object:
    """Wait until the status says that so much was spent for so many requests, and return it."""

    def says(status: Object) -> bool:
        spent = status.get("spent", {})
        return bool((spent.get("usd"), spent.get("requests")) == (usd, requests))

    return await until_key(plane, says)


async def test_a_key_tells_what_is_spent_and_left_over_all_pods_and_over_another_operator(
    plane: ControlPlane,
) -> None:
    await plane.apply(*at_a_cent(grant_to(plane.namespace)), router_key(budget=BUDGET))
    async with contextlib.AsyncExitStack() as stack:
        async with plane.operator() as operator:
            one = await stack.enter_async_context(plane.router("pod-0"))
            two = await stack.enter_async_context(plane.router("pod-1"))
            key = (await key_in(plane))["OPENAI_API_KEY"]
            for router in (one, two):
                await until_models(router, key, MODELS)
            for router, times in ((one, 5), (two, 3)):
                assert {each.status_code for each in await ask(router, key, times)} == {200}
            status = await until_spent(plane, "0.08", requests=8)
            assert status["remaining"] == "0.92"
            assert status["spent"]["tokens"] >= 800
            assert len(status["countedReports"]) == 2
            assert status["spent"]["since"].endswith("-01T00:00:00Z")
            assert "lastUsedAt" in status
            exhausted = condition(status, "BudgetExhausted") or {}
            assert (exhausted["status"], exhausted["reason"]) == ("False", "BudgetAvailable")
            shown = [line.split() for line in (await plane.kubectl("get", "rkey")).splitlines()]
            assert shown[0][1:6] == ["READY", "PREFIX", "SPENT", "REMAINING", "EXPIRES"]
            assert shown[1][3:5] == ["0.08", "0.92"]
            await ask(one, key, 2)
            await operator.stop()
        async with plane.operator():
            status = await until_spent(plane, "0.1", requests=10)
            assert status["remaining"] == "0.9"


@pytest.mark.parametrize("on_exhausted", ["Refuse", "Warn"])
async def test_a_budget_that_is_spent_is_a_condition_and_one_event(
    plane: ControlPlane, on_exhausted: str
) -> None:
    is_told_by = {"Refuse": is_refused, "Warn": is_warned}
    budget = {"usd": "0.05", "period": "Total", "onExhausted": on_exhausted}
    await plane.apply(*at_a_cent(grant_to(plane.namespace)), router_key(budget=budget))
    async with plane.operator(), plane.router() as router:
        key = (await key_in(plane))["OPENAI_API_KEY"]
        await until_models(router, key, MODELS)
        await until_answer(router, key, is_told_by[on_exhausted])
        found = await until_key_condition(plane, "BudgetExhausted", "True", "BudgetSpent")
        told = {"Refuse": "get a 429", "Warn": "x-airouter-budget: spent"}[on_exhausted]
        assert told in found["message"]
        await until_keys_are_told(plane, "BudgetSpent", {"checkout"})
        ready = condition((await key_object(plane))["status"], "Ready") or {}
        assert ready["status"] == "True"
        # More money ends it, without anybody who asks.
        raised = {**budget, "usd": "9.00"}
        await plane.apply(router_key(budget=raised))
        await until_key_condition(plane, "BudgetExhausted", "False", "BudgetAvailable")
        events = await plane.events(ROUTER_KEY_KIND)
        assert [each["reason"] for each in events].count("BudgetSpent") == 1


async def test_a_budget_of_all_keys_of_a_grant_that_is_spent_is_told_by_the_key(
    plane: ControlPlane,
) -> None:
    grant = grant_to(plane.namespace, together={"budget": {"usd": "0.03", "period": "Total"}})
    await plane.apply(*at_a_cent(grant), router_key())
    async with plane.operator(), plane.router() as router:
        key = (await key_in(plane))["OPENAI_API_KEY"]
        await until_models(router, key, MODELS)
        await until_answer(router, key, is_refused)
        await until_key_condition(plane, "BudgetExhausted", "True", "GrantBudgetSpent")
        status = (await key_object(plane))["status"]
        assert "remaining" not in status  # what others have spent is not for this key


async def test_where_each_pod_counts_by_itself_nobody_says_what_is_left(
    plane: ControlPlane,
) -> None:
    objects = at_a_cent(grant_to(plane.namespace), ledger={"type": "Local"})
    await plane.apply(*objects, router_key(budget=BUDGET))
    async with plane.operator(), plane.router() as router:
        key = (await key_in(plane))["OPENAI_API_KEY"]
        await until_models(router, key, MODELS)
        await ask(router, key, 4)
        status = await until_spent(plane, "0.04", requests=4)
        assert "remaining" not in status
        assert condition(status, "BudgetExhausted") is None
