"""Pages of models, as clients of Anthropic's API ask for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.config import MOCK, manifest
from support.in_loop import Served, served
from support.sdks import anthropic_sdk

NAMES = ["a", "b", "c/1", "d", "e"]
ANTHROPIC = {"anthropic-version": "2023-06-01"}


@pytest.fixture
async def router() -> AsyncIterator[Served]:
    models: list[dict[str, Any]] = [
        {"name": name, "backends": [{"credential": "mock"}]} for name in NAMES
    ]
    async with served(manifest([MOCK], models)) as router:
        yield router


@pytest.mark.parametrize(
    ("query", "names", "has_more"),
    [
        ({}, NAMES, False),
        ({"limit": "1000"}, NAMES, False),
        ({"limit": "2"}, ["a", "b"], True),
        ({"limit": "2", "after_id": "b"}, ["c/1", "d"], True),
        ({"limit": "2", "after_id": "c/1"}, ["d", "e"], False),
        ({"after_id": "e"}, [], False),
        ({"limit": "2", "before_id": "e"}, ["c/1", "d"], True),
        ({"limit": "2", "before_id": "c/1"}, ["a", "b"], False),
        ({"before_id": "a"}, [], False),
    ],
)
async def test_a_page_has_the_models_beside_the_one_that_is_named(
    router: Served, query: dict[str, str], names: list[str], has_more: bool
) -> None:
    response = await router.client.get("/v1/models", params=query, headers=ANTHROPIC)
    page = response.json()
    assert [model["id"] for model in page["data"]] == names
    ends = (names[0], names[-1]) if names else (None, None)
    assert (page["first_id"], page["last_id"], page["has_more"]) == (*ends, has_more)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "2.5"}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"after_id": "none"}, "after_id"),
        ({"before_id": "none"}, "before_id"),
        ({"after_id": "a", "before_id": "c/1"}, "before_id"),
    ],
)
async def test_a_page_that_there_is_not_is_refused_by_its_field(
    router: Served, query: dict[str, str], field: str
) -> None:
    response = await router.client.get("/v1/models", params=query, headers=ANTHROPIC)
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error")
    assert f"'{field}'" in error["message"]


async def test_the_sdk_of_anthropic_goes_through_all_pages(router: Served) -> None:
    async with anthropic_sdk(f"http://127.0.0.1:{router.port}") as client:
        onward = [model.id async for model in client.models.list(limit=2)]
        back = [model.id async for model in client.models.list(limit=2, before_id="e")]
    assert onward == NAMES
    assert back == ["c/1", "d", "a", "b"]


async def test_clients_of_openai_get_all_models_whatever_they_add(router: Served) -> None:
    response = await router.client.get("/v1/models", params={"limit": "2", "after_id": "none"})
    assert [model["id"] for model in response.json()["data"]] == NAMES
