"""The page at `/vhealth`: who sees what, and how it is kept up to date."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from airouter.api.vhealth import COOKIE, wants_json
from airouter.config import builtin
from airouter.telemetry.history import STEP
from airouter.web.live import MOST_VIEWERS
from airouter.web.signing import FAILURES_PER_MINUTE
from support.config import MASTER_KEY, manifest
from support.http_client import http_client
from support.in_loop import Served, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

CLIENT_KEY = "sk-team-a"
PATIENCE = 60.0


def a_manifest() -> str:
    credentials = [{"name": "best", "type": "Mock"}, {"name": "spare", "type": "Mock"}]
    models = [{"name": "m-one", "backends": [{"credential": "best"}, {"credential": "spare"}]}]
    client: dict[str, Any] = {
        "name": "team-a",
        "secretRef": {"name": "keys", "key": "a"},
        "limits": {"rpm": 10},
    }
    auth = {"masterKey": {"secretRef": {"name": "keys", "key": "master"}}, "clients": [client]}
    return manifest(credentials, models, secrets={"a": CLIENT_KEY}, auth=auth)


@asynccontextmanager
async def browser(router: Served) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key, which asks for pages."""
    accept = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with http_client(base_url=router.client.base_url, headers=accept) as client:
        yield client


@pytest.fixture
async def router() -> AsyncIterator[Served]:
    async with served(a_manifest()) as router:
        yield router


async def sign_in(client: httpx.AsyncClient, key: str = MASTER_KEY) -> httpx.Response:
    answer = await client.post("/vhealth/sign-in", data={"key": key})
    assert answer.status_code == 303
    return answer


def seen_on(page: str) -> str:
    """The board that a page was made of."""
    found = re.search(r'data-seen="([0-9a-f]+-[0-9]+)"', page)
    assert found is not None
    return found[1]


async def events(client: httpx.AsyncClient, since: str = "0") -> AsyncIterator[dict[str, Any]]:
    """The updates of the page."""
    async with client.stream("GET", f"/vhealth/events?since={since}") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


@pytest.mark.parametrize(
    ("accept", "is_json"),
    [
        ("application/json", True),
        ("application/json, text/plain, */*", True),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("text/html, application/json", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_whoever_asks_for_json_gets_it_and_everybody_else_the_page(
    accept: str, is_json: bool
) -> None:
    assert wants_json(accept) is is_json


async def test_json_stays_for_machines(router: Served) -> None:
    answer = await router.client.get("/vhealth", headers={"accept": "application/json"})
    assert answer.json()["status"] == "ok"
    assert (await router.client.get("/vhealth")).headers["content-type"].startswith("text/html")


async def test_the_root_leads_to_the_page(router: Served) -> None:
    async with browser(router) as client:
        answer = await client.get("/", follow_redirects=True)
        assert (answer.status_code, answer.url.path) == (200, "/vhealth")


async def test_the_page_loads_nothing_and_runs_nothing_but_its_own(router: Served) -> None:
    async with browser(router) as client:
        answer = await client.get("/vhealth")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert 'style="' not in answer.text  # which the policy would not let in


async def test_a_stranger_sees_the_state_and_no_name(router: Served) -> None:
    async with browser(router) as client:
        page = (await client.get("/vhealth")).text
    assert "Every model is answered by its first tier." in page
    for name in ("m-one", "best", "spare", "team-a", "Last requests"):
        assert name not in page


async def test_names_alone_show_models_and_no_client_or_request() -> None:
    async with served(a_manifest(), health_names=True) as router, browser(router) as client:
        await router.chat(model="m-one")
        page = (await client.get("/vhealth")).text
    assert "m-one" in page
    assert "spare" in page
    assert "team-a" not in page
    assert "Last requests" not in page


async def test_the_master_key_shows_all_and_never_a_prompt(router: Served) -> None:
    async with browser(router) as client:
        await sign_in(client)
        headers = {"authorization": f"Bearer {CLIENT_KEY}"}
        message = {"role": "user", "content": "a secret prompt"}
        body = {"model": "m-one", "messages": [message]}
        assert (
            await client.post("/v1/chat/completions", json=body, headers=headers)
        ).status_code == 200
        router.router.recorder.flush()
        router.router.site.live._made_at = 0.0
        page = (await client.get("/vhealth")).text
    for shown in ("m-one", "team-a", "1 / 10", "Last requests", 'id="request-1"'):
        assert shown in page
    for hidden in ("a secret prompt", MASTER_KEY, CLIENT_KEY):
        assert hidden not in page


async def test_a_client_is_shown_with_its_limits_before_it_asks_and_then_with_its_budget() -> None:
    price = {"input": "2.50", "output": "1000"}
    models = [{"name": "m", "backends": [{"credential": "mock", "price": price}]}]
    client: dict[str, Any] = {
        "name": "team-a",
        "secretRef": {"name": "keys", "key": "a"},
        "limits": {"rpm": 10},
        "budget": {"usd": "20", "period": "Month"},
    }
    auth = {"masterKey": {"secretRef": {"name": "keys", "key": "master"}}, "clients": [client]}
    mock = {"name": "mock", "type": "Mock"}
    text = manifest([mock], models, secrets={"a": CLIENT_KEY}, auth=auth)
    async with served(text) as router, browser(router) as client_of_page:
        await sign_in(client_of_page)
        page = (await client_of_page.get("/vhealth")).text
        assert "0 / 10" in page
        assert "month" not in page
        router.client.headers["authorization"] = f"Bearer {CLIENT_KEY}"
        assert (await router.chat()).status_code == 200
        router.router.site.live._made_at = 0.0
        router.router.history._clock = lambda: monotonic() + STEP
        page = (await client_of_page.get("/vhealth")).text
    assert "1 / 10" in page
    assert re.search(r"month</span>.*\$ 0\.00\d\d / \$ 20\.00", page, re.DOTALL)


async def test_a_page_without_a_script_leaves_time_to_type_the_key(router: Served) -> None:
    refresh = re.compile(r'http-equiv="refresh" content="(\d+)"')
    async with browser(router) as client:
        assert refresh.findall((await client.get("/vhealth")).text) == ["60"]
        await sign_in(client)
        assert refresh.findall((await client.get("/vhealth")).text) == ["10"]


async def test_a_finding_says_once_how_severe_it_is() -> None:
    unused = manifest([{"name": "best", "type": "Mock"}, {"name": "idle", "type": "Mock"}], [])
    async with served(unused, health_names=True) as router, browser(router) as client:
        page = (await client.get("/vhealth")).text
    (line,) = re.findall(r"<li>(.*idle.*)</li>", page)
    assert line.count("warning") == 1


async def test_a_cookie_is_for_the_page_alone_and_no_script_reads_it(router: Served) -> None:
    async with browser(router) as client:
        answer = await sign_in(client)
    cookie = answer.headers["set-cookie"].lower()
    for attribute in ("httponly", "samesite=strict", "path=/vhealth", "max-age="):
        assert attribute in cookie
    assert MASTER_KEY not in cookie
    assert "secure" not in cookie
    async with browser(router) as client:
        client.headers["x-forwarded-proto"] = "https"
        assert "; secure" in (await sign_in(client)).headers["set-cookie"].lower()


@pytest.mark.parametrize("key", ["sk-wrong", "", CLIENT_KEY, "%"])
async def test_any_other_key_shows_nothing_more(router: Served, key: str) -> None:
    async with browser(router) as client:
        answer = await sign_in(client, key)
        assert COOKIE not in client.cookies
        page = await client.get(answer.headers["location"].removeprefix(".."))
        assert "This is not the master key." in page.text
        assert "m-one" not in page.text


async def test_who_signs_in_before_a_configuration_has_come_is_told_so() -> None:
    async with served(None) as router, browser(router) as client:
        answer = await sign_in(client)
        page = (await client.get(answer.headers["location"].removeprefix(".."))).text
    assert "No configuration has come yet, and so no master key" in page
    assert "Nothing was found in it" not in page


async def test_signing_out_ends_it(router: Served) -> None:
    async with browser(router) as client:
        await sign_in(client)
        token = client.cookies[COOKIE]
        assert "m-one" in (await client.get("/vhealth")).text
        await client.post("/vhealth/sign-out")
        client.cookies.set(COOKIE, token, path="/vhealth")
        assert "m-one" not in (await client.get("/vhealth")).text


async def test_signed_in_at_one_pod_is_signed_in_at_another(router: Served) -> None:
    async with served(a_manifest()) as other, browser(router) as client:
        await sign_in(client)
        page = await client.get(f"{other.client.base_url}/vhealth")
        assert "Clients with limits or budgets" in page.text


async def test_a_cookie_is_worth_nothing_where_the_master_key_is_another(router: Served) -> None:
    another = a_manifest().replace(MASTER_KEY, "sk-another-master")
    async with browser(router) as client:
        await sign_in(client)
        assert router.offer(another)
        assert "m-one" not in (await client.get("/vhealth")).text


async def test_guessing_is_slowed_down(router: Served) -> None:
    async with browser(router) as client:
        for _ in range(FAILURES_PER_MINUTE):
            await sign_in(client, "sk-wrong")
        answer = await sign_in(client)
        assert answer.headers["location"].startswith("../vhealth?sign-in=later")
        assert COOKIE not in client.cookies


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}]
)
async def test_a_form_of_another_site_is_refused(router: Served, headers: dict[str, str]) -> None:
    async with browser(router) as client:
        for path in ("/vhealth/sign-in", "/vhealth/sign-out"):
            answer = await client.post(path, data={"key": MASTER_KEY}, headers=headers)
            assert answer.status_code == 403


async def test_a_large_form_is_refused(router: Served) -> None:
    async with browser(router) as client:
        answer = await client.post("/vhealth/sign-in", data={"key": "x" * 10_000})
    assert answer.status_code == 413


async def test_a_ban_comes_to_whoever_looks() -> None:
    async with served(a_manifest(), health_names=True) as router, browser(router) as client:
        seen = ""
        async with asyncio.timeout(PATIENCE):
            async for update in events(client):
                if not seen:
                    assert "best" in str(update["parts"])
                    await router.client.post("/admin/bans/best")
                seen += str(update["parts"])
                if "suspended" in seen:
                    break


async def test_a_stream_goes_on_where_the_page_was_made() -> None:
    async with served(a_manifest(), health_names=True) as router, browser(router) as client:
        page = (await client.get("/vhealth")).text
        await router.client.post("/admin/bans/best")
        async with asyncio.timeout(PATIENCE):
            async for update in events(client, seen_on(page)):
                assert "credentials" not in update["orders"]
                assert "suspended" in str(update["parts"])
                break


async def test_a_stream_of_whoever_signs_out_ends(router: Served) -> None:
    async with browser(router) as client:
        await sign_in(client)
        async with asyncio.timeout(PATIENCE), client.stream("GET", "/vhealth/events") as answer:
            lines = answer.aiter_lines()
            await anext(lines)
            await client.post("/vhealth/sign-out")
            assert "event: reload" in [line async for line in lines]


async def test_nothing_is_computed_while_nobody_looks(
    router: Served,
) -> None:
    live = router.router.site.live
    async with browser(router) as client, asyncio.timeout(PATIENCE):
        async for _ in events(client):
            break
    async with asyncio.timeout(PATIENCE):
        while live._viewers:
            await asyncio.sleep(0.01)
        while live._next is not None:  # the last wait that was begun ends by itself
            await asyncio.sleep(0.01)


async def test_only_so_many_may_look(router: Served) -> None:
    router.router.site.live._viewers = MOST_VIEWERS
    async with browser(router) as client:
        assert (await client.get("/vhealth/events")).status_code == 503
    router.router.site.live._viewers = 0


async def test_a_router_that_ends_does_not_wait_for_those_who_look() -> None:
    async with (
        asyncio.timeout(PATIENCE),
        served(a_manifest(), drain_deadline=10 * PATIENCE) as router,
        browser(router) as client,
    ):
        async for _ in events(client):
            router.router._drain()


async def test_the_api_is_documented_without_a_key_and_without_a_network(router: Served) -> None:
    async with browser(router) as client:
        page = await client.get("/docs")
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.text)
        assert "'self'" in page.headers["content-security-policy"]
        for path in re.findall(r'(?:src|href)="(docs/[^"]+)"', page.text):
            assert (await client.get(f"/{path}")).status_code == 200
        assert (await client.get("/docs/../pyproject.toml")).status_code == 404
        document = (await client.get("/openapi.json")).json()
    operations = [
        (f"{method} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    bodyless = {"post /v1/responses/{response_id}/cancel", "get /metrics"}
    for name, operation in operations:
        assert operation["summary"]
        if name.startswith("post") and name not in bodyless:
            content = operation["requestBody"]["content"]["application/json"]
            assert set(content["example"]) <= set(content["schema"]["properties"]), name
        if name not in bodyless:
            assert "content" in operation["responses"]["200"], name
    assert document["paths"]["/health"]["get"]["security"] == []


async def test_the_examples_of_the_documentation_work() -> None:
    async with served(builtin.MANIFEST) as router:
        document = (await router.client.get("/openapi.json")).json()
        router.client.headers["authorization"] = f"Bearer {builtin.MASTER_KEY}"
        for path, methods in document["paths"].items():
            if "{" in path or "post" not in methods or "images" in path:
                continue  # of something that has to be there first, or that Mock does not make
            content = methods["post"]["requestBody"]["content"]["application/json"]
            answer = await router.client.post(path, json=content["example"])
            assert answer.status_code == 200, (path, answer.text)


async def test_who_comes_from_the_page_of_another_replica_gets_all() -> None:
    started = partial(served, a_manifest(), health_names=True)
    async with started() as one, started() as other:
        async with browser(one) as client:
            page = (await client.get("/vhealth")).text
        async with browser(other) as client, asyncio.timeout(PATIENCE):
            await client.get("/vhealth")
            async for update in events(client, seen_on(page)):
                assert "credentials" in update["orders"]
                break
