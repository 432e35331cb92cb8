"""Budgets of clients that show tokens, through whole routers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from support.config import manifest
from support.in_loop import Served, served
from support.manifests import findings
from support.redis_server import redis_server
from support.token_issuer import Issuer

CORP = Issuer("https://login.example.com")


def headers_of(holder: str) -> dict[str, str]:
    """What somebody shows: a token made just now, since a run of all tests outlives one."""
    return {"authorization": f"Bearer {CORP.token(sub=holder).decode()}"}


def a_manifest(redis: str | None = None, **rule: Any) -> str:
    """A model whose answers cost a dollar, for holders of tokens of an issuer."""
    jwt = {
        "name": "corp",
        "issuer": CORP.url,
        "audiences": ["airouter"],
        "jwksSecretRef": {"name": "keys", "key": "jwks"},
        **rule,
    }
    auth = {
        "masterKey": {"secretRef": {"name": "keys", "key": "master"}},
        "jwt": [jwt],
        "groups": [{"name": "all", "limits": {}, "budget": {"usd": "3", "period": "Month"}}],
    }
    mock = {"name": "mock", "type": "Mock", "mock": {"reply": "tokens:100"}}
    model = {"name": "m", "backends": [{"credential": "mock", "price": {"output": "10000"}}]}
    spec: dict[str, Any] = {"auth": auth}
    secrets = {"jwks": CORP.jwks}
    if redis is not None:
        spec["redis"] = {"urlSecretRef": {"name": "keys", "key": "redis"}}
        secrets["redis"] = redis
    return manifest([mock], [model], secrets=secrets, **spec)


async def asked(router: Served, holder: str) -> int:
    """The status of a chat that costs a dollar, once the ledger has said what is left."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 100}
    async with asyncio.timeout(60):
        while True:
            answer = await router.client.post(
                "/v1/chat/completions", json=body, headers=headers_of(holder)
            )
            if answer.status_code != 429 or answer.json()["error"]["code"] == "insufficient_quota":
                return answer.status_code
            await asyncio.sleep(0.05)


async def told(router: Served, **request: Any) -> dict[str, Any]:
    """What is told of a client, once it has nothing under way."""
    async with asyncio.timeout(60):
        while True:
            found: dict[str, Any] = (await router.client.get("/v1/usage", **request)).json()
            if found["budgets"][0]["reserved_usd"] == "0":
                return found
            await asyncio.sleep(0.05)


async def test_each_holder_of_a_token_has_a_budget_of_its_own(tmp_path: Path) -> None:
    text = a_manifest(budget={"usd": "2", "period": "Month"})
    async with served(text, ledger_file=tmp_path / "ledger.sqlite") as router:
        assert [await asked(router, "alice") for _ in range(3)] == [200, 200, 429]
        assert await asked(router, "bob") == 200
        own = await told(router, headers=headers_of("alice"))
        assert own["client"] == "jwt/corp/alice"
        (budget,) = own["budgets"]
        assert (budget["used_usd"], budget["remaining_usd"]) == ("2", "0")
        bob = await told(router, params={"client": "jwt/corp/bob"})
        assert bob["budgets"][0]["used_usd"] == "1"
        everybody = (await router.client.get("/v1/usage")).json()["data"]
        assert {each["client"] for each in everybody} == {"jwt/corp/alice", "jwt/corp/bob"}
        assert router.offer(a_manifest(budget={"usd": "4", "period": "Month"}))
        assert [await asked(router, "alice") for _ in range(3)] == [200, 200, 429]
    async with served(text, ledger_file=tmp_path / "ledger.sqlite") as router:
        assert await asked(router, "alice") == 429, "what was spent outlives the router"


async def test_holders_of_tokens_share_the_budget_of_their_group(tmp_path: Path) -> None:
    text = a_manifest(groups=["all"])
    async with served(text, ledger_file=tmp_path / "ledger.sqlite") as router:
        asking = [await asked(router, holder) for holder in ("alice", "bob", "alice", "bob")]
        assert asking == [200, 200, 200, 429]


async def test_routers_share_the_budget_of_a_holder_of_a_token_by_redis(tmp_path: Path) -> None:
    with redis_server(tmp_path) as redis:
        text = a_manifest(redis.url, budget={"usd": "4", "period": "Month"})
        async with (
            served(text, ledger_file=tmp_path / "a.sqlite") as one,
            served(text, ledger_file=tmp_path / "b.sqlite", pod_name="other") as other,
            asyncio.timeout(60),
        ):
            for router in (one, other, one, other):
                while await asked(router, "alice") != 200:
                    await asyncio.sleep(0.1)  # what the other one has not used comes back
            assert await asked(one, "alice") == await asked(other, "alice") == 429
            assert await asked(other, "bob") == 200


@pytest.mark.parametrize("field", ["jwt", "serviceAccounts"])
def test_a_group_that_nobody_declares_is_reported(field: str) -> None:
    rule: dict[str, Any] = {"name": "r", "groups": ["nobody"]}
    if field == "jwt":
        rule |= {"issuer": "i", "audiences": ["a"], "jwksSecretRef": {"name": "k"}}
    else:
        rule |= {"namespaces": {"names": ["a"]}}
    told = (
        f"error: spec.auth.{field}[name=r].groups: there is no group nobody "
        "(fix: declare it in spec.auth.groups)"
    )
    assert told in findings(auth={field: [rule]})
