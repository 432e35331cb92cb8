"""Bans through a whole router: who is asked, where they are seen, and bans by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.config import manifest
from support.in_loop import Served, served

CLIENT_KEY = "sk-test-client"


def a_manifest(status: int = 0, **fail2ban: Any) -> str:
    """Model `m` at `best`, which fails with a status, and then at `other`.

    A 408 makes no backend rest, so that bans alone decide.
    """
    mock: dict[str, Any] = (
        {"errorPercent": 100, "errorStatus": status} if status else {"reply": "text:best"}
    )
    credentials: list[dict[str, Any]] = [
        {"name": "best", "type": "Mock", "mock": mock},
        {"name": "other", "type": "Mock", "mock": {"reply": "text:other"}, "priority": 1},
    ]
    backends = [{"credential": "best", "upstreamName": "m-1"}, {"credential": "other"}]
    # A client may be called like the owner of the master key.
    client = {"name": "master", "secretRef": {"name": "keys", "key": "client"}}
    auth = {"masterKey": {"secretRef": {"name": "keys", "key": "master"}}, "clients": [client]}
    return manifest(
        credentials,
        [{"name": "m", "backends": backends}],
        secrets={"client": CLIENT_KEY},
        auth=auth,
        resilience={"fail2ban": fail2ban, "retries": {"attempts": 0}},
    )


@pytest.fixture
async def router() -> AsyncIterator[Served]:
    async with served(a_manifest(), health_names=True) as router:
        yield router


async def answerer(router: Served) -> str:
    """Who answers now."""
    content = (await router.chat()).json()["choices"][0]["message"]["content"]
    assert isinstance(content, str)
    return content


async def attempts(router: Served, credential: str) -> float:
    """How often a credential was asked."""
    lines = (await router.client.get("/metrics")).text.splitlines()
    name = f'airouter_upstream_attempts_total{{credential="{credential}",'
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


async def bans_of(router: Served, credential: str) -> Any:
    health = (await router.client.get("/health")).json()
    return next(c["bans"] for c in health["credentials"] if c["name"] == credential)


async def metric(router: Served, line: str) -> float:
    lines = (await router.client.get("/metrics")).text.splitlines()
    return next(float(each.rpartition(" ")[2]) for each in lines if each.startswith(line))


async def test_a_backend_that_keeps_failing_is_not_asked_any_more() -> None:
    async with served(a_manifest(408, statusCodes=[408], maxAttempts=2)) as router:
        assert [await answerer(router) for _ in range(5)] == ["other"] * 5
        assert await attempts(router, "best") == 2


async def test_a_ban_is_seen_in_health_and_metrics() -> None:
    async with served(a_manifest(401, maxBanDuration="2h"), health_names=True) as router:
        assert await metric(router, 'airouter_credential_bans{credential="best"}') == 0
        await router.chat()
        (ban,) = await bans_of(router, "best")
        until = datetime.fromisoformat(ban.pop("until"))
        assert timedelta(hours=1, minutes=58) < until - datetime.now(UTC) <= timedelta(hours=2)
        assert ban == {"model": "m-1", "reason": "refused_key", "count": 1, "half_open": False}
        assert await bans_of(router, "other") == []
        assert await metric(router, 'airouter_credential_bans{credential="best"}') == 1
        begun = 'airouter_bans_total{credential="best",reason="refused_key"}'
        assert await metric(router, begun) == 1
        page = await router.client.get("/vhealth", headers={"accept": "text/html"})
        assert "partly banned" in page.text
        assert "2 of 2 usable" in page.text  # as the state counts: it may answer for other models
        assert "m-1: refused_key" in page.text


async def test_health_tells_nobody_of_bans_unless_names_are_shown() -> None:
    async with served(a_manifest(401)) as router:
        await router.chat()
        assert "refused_key" not in (await router.client.get("/health")).text


async def test_a_reload_keeps_a_ban_and_the_end_of_bans_ends_it() -> None:
    async with served(a_manifest(408, statusCodes=[408], maxAttempts=1)) as router:
        await router.chat()
        assert router.offer(a_manifest(0, maxAttempts=1))
        assert await answerer(router) == "other"
        off = {"statusCodes": [], "onAuthFailure": "Count"}
        assert router.offer(a_manifest(0, **off))
        assert await answerer(router) == "other"
        assert router.offer(a_manifest(0).replace('"fail2ban": {}', '"heartbeat": "1s"'))
        assert await answerer(router) == "best"


# By hand


async def test_a_credential_is_banned_by_hand_until_it_is_lifted(router: Served) -> None:
    answer = await router.client.post("/admin/bans/best")
    ban = {"model": None, "reason": "by_hand", "count": 1, "until": None, "half_open": False}
    assert (answer.status_code, answer.json()) == (200, {"credential": "best", "bans": [ban]})
    assert await answerer(router) == "other"
    lifted = await router.client.delete("/admin/bans/best")
    assert (lifted.status_code, lifted.json()) == (200, {"credential": "best", "bans": []})
    assert await answerer(router) == "best"


async def test_a_ban_by_hand_may_have_an_end(router: Served) -> None:
    answer = await router.client.post("/admin/bans/best", json={"duration": "30m"})
    until = datetime.fromisoformat(answer.json()["bans"][0]["until"])
    assert timedelta(minutes=29) < until - datetime.now(UTC) <= timedelta(minutes=30)


async def test_lifting_ends_a_ban_for_failures() -> None:
    async with served(a_manifest(408, statusCodes=[408], maxAttempts=1)) as router:
        await router.chat()
        assert router.offer(a_manifest(0, maxAttempts=1))
        assert await answerer(router) == "other"
        await router.client.delete("/admin/bans/best")
        assert await answerer(router) == "best"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_only_the_master_key_bans(router: Served, method: str) -> None:
    for key, status, code in (
        (CLIENT_KEY, 403, "master_key_only"),
        ("sk-nobody", 401, "invalid_api_key"),
    ):
        headers = {"authorization": f"Bearer {key}"}
        answer = await router.client.request(method, "/admin/bans/best", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert await answerer(router) == "best"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_credential_that_there_is_not_is_a_404(router: Served, method: str) -> None:
    answer = await router.client.request(method, "/admin/bans/nobody")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_credential")


@pytest.mark.parametrize(
    "body", ['{"duration": "soon"}', '{"duration": "0s"}', '{"duration": 5}', '{"for": "1m"}', "["]
)
async def test_a_ban_that_is_not_understood_is_none(router: Served, body: str) -> None:
    answer = await router.client.post("/admin/bans/best", content=body)
    assert answer.status_code == 400
    assert await answerer(router) == "best"


async def test_bans_by_hand_are_described(router: Served) -> None:
    paths = (await router.client.get("/openapi.json")).json()["paths"]
    described = paths["/admin/bans/{credential}"]
    assert set(described) == {"post", "delete"}
    content = described["post"]["requestBody"]["content"]["application/json"]
    assert "duration" in content["schema"]["properties"]
