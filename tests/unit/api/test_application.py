"""What FastAPI serves: models, health, documentation, and errors for all that is not there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from airouter.config.providers import PROVIDER_TYPES
from support.config import MOCK, manifest
from support.http_client import http_client
from support.in_loop import Served, served
from support.sdks import anthropic_sdk

TEAM = {"authorization": "Bearer sk-team-a"}


@pytest.fixture
async def router() -> AsyncIterator[Served]:
    backends = [{"credential": "mock"}]
    models: list[dict[str, Any]] = [
        {"name": "gpt-4o", "aliases": ["gpt-4"], "backends": backends},
        {"name": "team/b", "backends": backends, "metadata": {"ownedBy": "b"}},
    ]
    client = {"name": "a", "secretRef": {"name": "keys", "key": "a"}, "models": ["gpt-*"]}
    auth = {"masterKey": {"secretRef": {"name": "keys", "key": "master"}}, "clients": [client]}
    text = manifest(
        [{"name": "mock", "type": "Mock"}], models, secrets={"a": "sk-team-a"}, auth=auth
    )
    async with served(text) as router:
        yield router


def ids(response: httpx.Response) -> list[str]:
    return [model["id"] for model in response.json()["data"]]


async def test_the_master_key_sees_all_models_and_no_alias(router: Served) -> None:
    assert ids(await router.client.get("/v1/models")) == ["gpt-4o", "team/b"]


async def test_a_client_sees_what_it_may_use(router: Served) -> None:
    assert ids(await router.client.get("/v1/models", headers=TEAM)) == ["gpt-4o"]
    hidden = await router.client.get("/v1/models/team/b", headers=TEAM)
    assert (hidden.status_code, hidden.json()["error"]["code"]) == (404, "model_not_found")
    refused = await router.client.post(
        "/v1/chat/completions", headers=TEAM, json={"model": "team/b", "messages": []}
    )
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/v1/chat/completions", {"messages": []}),
        ("/v1/messages", {"messages": [], "max_tokens": 9}),
        ("/v1/responses", {"input": "Hi"}),
    ],
)
async def test_a_mistyped_model_is_answered_with_those_near_it_that_the_key_may_use(
    router: Served, path: str, more: dict[str, object]
) -> None:
    known = await router.client.post(path, headers=TEAM, json={"model": "gpt4o", **more})
    assert "Did you mean 'gpt-4o'" in known.json()["error"]["message"]
    mine = await router.client.post(path, json={"model": "teamb/b", **more})
    assert "Did you mean 'team/b'?" in mine.json()["error"]["message"]
    others = await router.client.post(path, headers=TEAM, json={"model": "teamb/b", **more})
    assert "team/b'?" not in others.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/v1/embeddings", {"input": "Hi"}),
        ("/v1/images/generations", {"prompt": "Hi"}),
        ("/v1/completions", {"prompt": "Hi"}),
    ],
)
async def test_an_api_that_no_credential_offers_is_refused_by_what_they_offer(
    router: Served, path: str, more: dict[str, object]
) -> None:
    only_chat = {"name": "chat", "type": "Mock", "api": ["chat"]}
    router.offer(manifest([only_chat], [{"name": "m", "backends": [{"credential": "chat"}]}]))
    response = await router.client.post(path, json={"model": "m", **more})
    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (400, "model")
    assert "It offers: chat, responses, messages." in error["message"]


async def test_a_chat_with_a_model_for_embeddings_is_refused_in_every_dialect(
    router: Served,
) -> None:
    only = {"name": "e", "type": "Mock", "api": ["embeddings"]}
    router.offer(manifest([only], [{"name": "m", "backends": [{"credential": "e"}]}]))
    hi: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    bodies: dict[str, dict[str, object]] = {
        "chat/completions": hi,
        "messages": {**hi, "max_tokens": 9},
        "messages/count_tokens": hi,
        "responses": {"model": "m", "input": "Hi"},
    }
    for path, body in bodies.items():
        response = await router.client.post(f"/v1/{path}", json=body)
        assert response.status_code == 400
        assert "It offers: embeddings." in response.json()["error"]["message"]


async def test_a_drained_model_is_unavailable_for_every_api(router: Served) -> None:
    backends = [{"credential": "mock", "weight": 0}]
    router.offer(manifest([MOCK], [{"name": "m", "backends": backends}]))
    response = await router.client.post("/v1/embeddings", json={"model": "m", "input": "Hi"})
    assert (response.status_code, response.json()["error"]["code"]) == (503, "no_backend")


@pytest.mark.parametrize(
    ("path", "owner"), [("gpt-4o", "airouter"), ("gpt-4", "airouter"), ("team/b", "b")]
)
async def test_a_model_is_found_by_name_and_alias(router: Served, path: str, owner: str) -> None:
    model = (await router.client.get(f"/v1/models/{path}")).json()
    assert (model["object"], model["owned_by"]) == ("model", owner)


async def test_routers_of_one_process_answer_each_for_itself(router: Served) -> None:
    other = manifest([MOCK], [{"name": "other-m", "backends": [{"credential": "mock"}]}])
    large = {"metadata": {"a": "x" * 500, "b": "x" * 500, "c": "x" * 500}}
    async with served(other, max_body_bytes=1024) as second:
        routers = (router, second)
        listed = [(await each.client.get("/v1/models")).json() for each in routers]
        made = [await each.client.post("/v1/conversations", json=large) for each in routers]
    names = [[model["id"] for model in models["data"]] for models in listed]
    assert names == [["gpt-4o", "team/b"], ["other-m"]]
    assert [answer.status_code for answer in made] == [200, 413]


async def test_the_sdk_of_anthropic_finds_models_as_it_knows_them(router: Served) -> None:
    root = f"http://127.0.0.1:{router.port}"
    async with anthropic_sdk(root) as client:
        listed = [model async for model in client.models.list()]
        found = await client.models.retrieve("team/b")
    assert [model.display_name for model in listed] == ["gpt-4o", "team/b"]
    assert (found.type, found.id, found.created_at.year > 2000) == ("model", "team/b", True)


@pytest.mark.parametrize("path", ["/health", "/vhealth", "/metrics"])
async def test_a_monitor_may_ask_for_the_head_alone(router: Served, path: str) -> None:
    answer = await router.client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")


async def test_every_endpoint_is_in_one_document(router: Served) -> None:
    document = (await router.client.get("/openapi.json")).json()
    assert {
        "/admin/bans/{credential}",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/images/generations",
        "/v1/responses",
        "/v1/responses/compact",
        "/v1/responses/input_tokens",
        "/v1/responses/{response_id}",
        "/v1/responses/{response_id}/cancel",
        "/v1/responses/{response_id}/input_items",
        "/v1/conversations",
        "/v1/conversations/{conversation_id}",
        "/v1/conversations/{conversation_id}/items",
        "/v1/conversations/{conversation_id}/items/{item_id}",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/usage",
        "/v1/models",
        "/v1/models/{name}",
        "/health",
        "/vhealth",
        "/metrics",
    } == set(document["paths"])


@pytest.mark.parametrize("path", ["/health", "/vhealth", "/metrics"])
async def test_what_machines_look_at_needs_no_key_and_shows_none(router: Served, path: str) -> None:
    async with http_client(base_url=router.client.base_url) as stranger:
        response = await stranger.get(path)
    assert response.status_code == 200
    assert "sk-" not in response.text


async def test_metrics_come_in_both_formats(router: Served) -> None:
    plain = await router.client.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain")
    openmetrics = {"accept": "application/openmetrics-text; version=1.0.0"}
    response = await router.client.get("/metrics", headers=openmetrics)
    assert response.headers["content-type"].startswith("application/openmetrics-text")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "unknown_url"),
        ("GET", "/nothing", 404, "unknown_url"),
        ("PUT", "/v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE", "/health", 405, "method_not_allowed"),
    ],
)
async def test_what_is_not_there_is_told_in_openai_shape(
    router: Served, method: str, path: str, status: int, code: str
) -> None:
    response = await router.client.request(method, path)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


async def test_every_answer_has_a_request_id(router: Served) -> None:
    response = await router.client.get("/v1/models")
    assert response.headers["x-request-id"].startswith("req_")
    response = await router.client.get("/v1/nothing", headers={"x-request-id": "mine"})
    assert response.headers["x-request-id"] == "mine"


async def test_a_chunked_request_is_served(router: Served) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"model": "gpt-4o", "messages": '
        yield b'[{"role": "user", "content": "Hi"}]}'

    response = await router.client.post("/v1/chat/completions", content=pieces())
    assert response.json()["choices"][0]["message"]["content"] == "Hi"
    assert len(response.headers.get_list("x-request-id")) == 1


async def test_a_chunked_request_over_the_limit_is_refused() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"x" * 1000

    async with served(manifest([], []), max_body_bytes=2048) as router:
        response = await router.client.post("/v1/chat/completions", content=pieces())
        assert response.status_code == 413


async def test_a_stranger_learns_no_name_of_what_is_configured(router: Served) -> None:
    router.offer(manifest([MOCK], [{"name": "unseen-m", "backends": [{"credential": "gone"}]}]))
    async with http_client(base_url=router.client.base_url) as stranger:
        health = (await stranger.get("/health")).json()
        page = (await stranger.get("/vhealth", headers={"accept": "text/html"})).text
    assert (health["models"], health["credentials"]) == ([], [])
    assert all(finding.endswith(("error", "warning")) for finding in health["config"]["findings"])
    assert health["config"]["findings"]
    for name in ("gpt-4o", "team/b", "unseen-m", "gone", "mock"):
        assert name not in page
        assert name not in str(health)


async def test_a_credential_that_cannot_be_called_is_left_out_and_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    credentials: list[dict[str, Any]] = [
        {"name": "mock", "type": "Mock"},
        {"name": "far", "type": "OpenAI", "secretRef": {"name": "keys", "key": "master"}},
    ]
    models: list[dict[str, Any]] = [
        {"name": "m", "backends": [{"credential": "far"}, {"credential": "mock"}]}
    ]
    text = manifest(credentials, models)
    async with served(text, PROVIDER_TYPES, health_names=True) as router:
        assert (await router.chat()).status_code == 200
        health = (await router.client.get("/health")).json()
        errors = {each["name"]: each["error"] for each in health["credentials"]}
        assert errors == {
            "mock": None,
            "far": "the proxy for api.openai.com is not an http:// proxy",
        }
