"""Paths as clients spell them, and what is said of one that cannot be meant."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect

from airouter.api.paths import with_model
from support.config import mock_manifest
from support.in_loop import Served, served
from support.mock_router import MODEL
from support.mock_sessions import KEY, heard, say

CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
async def router() -> AsyncIterator[Served]:
    async with served(mock_manifest(MODEL)) as router:
        yield router


@pytest.mark.parametrize(
    "path",
    [
        "/chat/completions",
        "/v1/chat/completions/",
        "//v1/chat/completions",
        "/v1//chat/completions",
        "/v1/v1/chat/completions",
        "/v1/v1/chat/completions/?a=b",
        "/openai/v1/chat/completions",
        "/openai/chat/completions",
        f"/openai/deployments/{MODEL}/chat/completions",
        f"/v1/deployments/{MODEL}/chat/completions?api-version=2024-10-21",
    ],
)
async def test_a_chat_is_served_whatever_stands_before_it(router: Served, path: str) -> None:
    response = await router.client.post(path, json=CHAT)
    assert response.status_code == 200, response.text
    assert response.json()["choices"][0]["message"]["content"] == "Hi"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/responses", {"model": MODEL, "input": "Hi"}),
        ("/openai/v1/responses", {"model": MODEL, "input": "Hi"}),
        ("/messages", {**CHAT, "max_tokens": 9}),
        ("/v1/v1/messages", {**CHAT, "max_tokens": 9}),
        ("/v1/v1/messages/count_tokens", {**CHAT, "max_tokens": 9}),
        ("/embeddings", {"model": MODEL, "input": "Hi"}),
        ("/openai/v1/conversations", {}),
    ],
)
async def test_every_other_door_is_found_as_well(
    router: Served, path: str, body: dict[str, object]
) -> None:
    response = await router.client.post(path, json=body)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("path", ["/openai/v1/responses", "/responses", "/v1/v1/responses/?a=b"])
async def test_a_session_opens_there_too(router: Served, path: str) -> None:
    url = f"ws://127.0.0.1:{router.port}{path}"
    async with connect(url, proxy=None, additional_headers=KEY) as connection:
        await say(connection, input="Hi")
        assert (await heard(connection))["type"] == "response.created"


@pytest.mark.parametrize("path", ["/v1/models/", "/models", "/openai/v1/models", "/openai/models"])
async def test_models_are_listed(router: Served, path: str) -> None:
    listed = (await router.client.get(path)).json()
    assert [model["id"] for model in listed["data"]] == [MODEL]


async def test_the_path_of_a_deployment_says_the_model_and_the_body_need_not(
    router: Served,
) -> None:
    path = f"/openai/deployments/{MODEL}/chat/completions?api-version=2024-10-21"
    for model in ({}, {"model": "another"}):
        response = await router.client.post(path, json={"messages": CHAT["messages"], **model})
        assert response.json()["model"] == MODEL


@pytest.mark.parametrize("path", ["/api/chat/completions", "/v2/chat/completions", "/"])
async def test_what_could_be_anything_is_refused_with_the_way_out(
    router: Served, path: str
) -> None:
    response = await router.client.post(path, json=CHAT)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (404, "unknown_url")
    assert "base_url must end in /v1" in error["message"]


@pytest.mark.parametrize("path", ["/health/", "/v1/health", "/openai/metrics"])
async def test_no_other_page_has_a_second_path(router: Served, path: str) -> None:
    assert (await router.client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{}", b'{"model":"m"}'),
        (b" { } ", b'{ "model":"m"}'),
        (b'{"a":1}\n', b'{"a":1,"model":"m"}'),
        (b"[1]", b"[1]"),
        (b"{", b"{"),
        (b"", b""),
    ],
)
def test_a_model_is_the_last_field_of_an_object(body: bytes, expected: bytes) -> None:
    assert with_model(body, "m") == expected
