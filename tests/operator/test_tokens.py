"""Tokens in place of keys, on a real API server: no key is stored anywhere."""

from __future__ import annotations

import asyncio
import json

import pytest

from support.config import MASTER_KEY, MOCK
from support.control_plane import PATIENCE, ControlPlane
from support.http_client import http_client
from support.resources import Object, routerconfig, secret
from support.router import RouterProcess
from support.router_models import until_models
from support.token_issuer import Issuer

CORP = Issuer("https://login.example.com")
CHAT = {"model": "echo", "messages": [{"role": "user", "content": "Hi"}]}


def declared(namespace: str, **rule: object) -> Object:
    """A RouterConfig for ServiceAccounts `batch-*` of a namespace, and for tokens of an issuer."""
    models = {"echo": "mock", "other": "mock"}
    config = routerconfig(MOCK, models=models, ledger={"type": "Local"})
    config["spec"]["auth"] |= {
        "serviceAccounts": [
            {
                "name": "batch",
                "namespaces": {"names": [namespace]},
                "names": ["batch-*"],
                "models": ["echo"],
                "limits": {"rpm": 3},
                **rule,
            }
        ],
        "jwt": [
            {
                "name": "corp",
                "issuer": CORP.url,
                "audiences": ["airouter"],
                "jwksSecretRef": {"name": "corp"},
                "limits": {"rpm": 1},
            }
        ],
    }
    return config


@pytest.fixture(autouse=True)
async def applied(plane: ControlPlane) -> None:
    for name in ("batch-1", "batch-2", "web"):
        await plane.kubectl("create", "serviceaccount", name)
    await plane.apply(
        declared(plane.namespace),
        secret("keys", master=MASTER_KEY),
        secret("corp", **{"jwks.json": CORP.jwks}),
    )


async def token_of(plane: ControlPlane, account: str, audience: str = "airouter") -> str:
    """What a projected volume would give a pod of that ServiceAccount."""
    token = (await plane.kubectl("create", "token", account, f"--audience={audience}")).strip()
    plane.secrets |= {token, token.rpartition(".")[2]}
    return token


async def status_of(router: RouterProcess, token: str | bytes) -> int:
    """The status of a chat with a token."""
    text = token if isinstance(token, str) else token.decode()
    async with http_client() as http:
        answer = await http.post(
            f"{router.base_url}/chat/completions",
            json=CHAT,
            headers={"authorization": f"Bearer {text}"},
        )
    return answer.status_code


async def usage_of(router: RouterProcess, token: str) -> Object:
    """What a token's owner is told of itself."""
    async with http_client(base_url=router.base_url) as http:
        answer = await http.get("/usage", headers={"authorization": f"Bearer {token}"})
    found: Object = answer.json()
    return found


async def test_a_service_account_asks_without_any_key_and_others_do_not(
    plane: ControlPlane,
) -> None:
    async with plane.operator(), plane.router() as router:
        good = await token_of(plane, "batch-1")
        await until_models(router, ["echo"], good)
        assert await status_of(router, good) == 200
        assert await status_of(router, await token_of(plane, "web")) == 401
        other = await token_of(plane, "batch-1", "https://kubernetes.default.svc")
        assert await status_of(router, other) == 401
        forged = Issuer("https://kubernetes.default.svc")
        subject = f"system:serviceaccount:{plane.namespace}:batch-1"
        assert await status_of(router, forged.token(sub=subject)) == 401
        assert subject in await logged_principals(router)


async def logged_principals(router: RouterProcess) -> set[str]:
    """Those whose chats were answered; the log follows the answers."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = {
                entry["principal"]
                for entry in router.access_log
                if entry["status"] == 200 and entry["path"] == "/v1/chat/completions"
            }
            if found:
                return found
            await asyncio.sleep(0.05)


async def test_each_service_account_has_limits_of_its_own(plane: ControlPlane) -> None:
    async with plane.operator(), plane.router() as router:
        tokens = [await token_of(plane, name) for name in ("batch-1", "batch-2")]
        await until_models(router, ["echo"], tokens[0])
        found = {token: [await status_of(router, token) for _ in range(4)] for token in tokens}
        assert found == {token: [200, 200, 200, 429] for token in tokens}
        again = await token_of(plane, "batch-1")  # as kubelet renews it
        assert await status_of(router, again) == 429


async def test_replicas_share_the_budget_of_a_holder_of_a_token_by_their_operator(
    plane: ControlPlane,
) -> None:
    config = declared(plane.namespace)
    config["spec"]["ledger"] = {"type": "Operator"}
    config["spec"]["credentials"] = [MOCK | {"mock": {"reply": "tokens:100"}}]
    for model in config["spec"]["models"]:
        model["backends"][0]["price"] = {"output": "10000"}  # a dollar for each answer
    (rule,) = config["spec"]["auth"]["jwt"]
    rule["budget"] = {"usd": "3", "period": "Total"}
    del rule["limits"]
    await plane.apply(config)
    async with plane.operator(), plane.router() as one, plane.router("pod-1") as other:
        alice, bob = (CORP.token(sub=name) for name in ("alice", "bob"))
        for router in (one, other):
            await until_models(router, ["echo", "other"], alice.decode())
        async with asyncio.timeout(PATIENCE):
            while await status_of(one, bob) != 200:  # the ledger is new
                await asyncio.sleep(0.1)
            while await status_of(other, alice) != 200:
                await asyncio.sleep(0.1)
            for router in (one, other):
                while await status_of(router, alice) != 200:
                    await asyncio.sleep(0.1)  # what the other pod has not used comes back
        assert await status_of(one, alice) == await status_of(other, alice) == 429
        assert await status_of(other, bob) == 200
        async with asyncio.timeout(PATIENCE):
            while (usage := await usage_of(one, alice.decode()))["budgets"][0]["used_usd"] != "3":
                await asyncio.sleep(0.1)  # the other pod tells what its answer has cost
        assert usage["client"] == "jwt/corp/alice"


async def test_tokens_of_another_issuer_are_good_by_the_keys_in_a_secret(
    plane: ControlPlane,
) -> None:
    async with plane.operator(), plane.router() as router:
        token = CORP.token(sub="alice")
        await until_models(router, ["echo", "other"], token.decode())
        assert await status_of(router, token) == 200
        assert await status_of(router, token) == 429
        assert await status_of(router, CORP.token(sub="bob")) == 200
        assert await status_of(router, CORP.token(sub="carol", lifetime=-60)) == 401
        rotated = Issuer(CORP.url)
        keys = {"keys": [json.loads(rotated.jwks)["keys"][0]]}
        await plane.apply(secret("corp", **{"jwks.json": json.dumps(keys)}))
        fresh = rotated.token(sub="dora")
        await until_models(router, ["echo", "other"], fresh.decode())
        assert await status_of(router, CORP.token(sub="erin")) == 401
        await plane.apply(secret("corp", **{"jwks.json": "[no set]"}))
        found = await plane.until_condition("PartiallyInvalid", "True", "InvalidSecretFormat")
        assert "spec.auth.jwt[name=corp].jwksSecretRef" in found["message"]
        assert await status_of(router, await token_of(plane, "batch-1")) == 200


async def test_labels_of_namespaces_take_an_operator_that_watches_the_cluster(
    plane: ControlPlane,
) -> None:
    rule = {"namespaces": {"matchLabels": {"llm": "allowed"}}}
    await plane.apply(declared(plane.namespace, **rule))
    async with plane.operator(), plane.router() as router:
        found = await plane.until_condition("PartiallyInvalid", "True", "NamespaceNotWatched")
        assert "serviceAccounts[name=batch].namespaces" in found["message"]
        assert await status_of(router, await token_of(plane, "batch-1")) == 401
